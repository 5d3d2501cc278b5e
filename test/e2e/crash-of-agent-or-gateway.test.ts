import { afterAll, beforeAll, describe, it } from 'vitest';
import { CrashScene } from './crash-scene.js';

let scene: CrashScene;

beforeAll(async () => {
  scene = await CrashScene.prepare();
});

afterAll(async () => {
  await scene?.fleet.stop();
});

describe('kill -9 in mid-backup', () => {
  it('of the agent: the job goes on or fails with its reason, and nothing committed is lost', async () => {
    const { fleet } = scene;
    const jobId = await scene.startLargeBackup('agent');
    fleet.agent().process.kill('SIGKILL');
    await fleet.agent().process.exited;
    fleet.agent().start();
    await fleet.agent().waitUntilOnline(fleet.api);
    await scene.checkAfterCrash(jobId);
  });

  it('of the gateway: the job goes on or fails with its reason, and nothing committed is lost', async () => {
    const jobId = await scene.startLargeBackup('gateway');
    process.kill(scene.fleet.server.childPid('gateway'), 'SIGKILL');
    await scene.checkAfterCrash(jobId);
  });
});
