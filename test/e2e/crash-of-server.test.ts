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
  it('of control: the job goes on or fails with its reason, and nothing committed is lost', async () => {
    const jobId = await scene.startLargeBackup('control');
    process.kill(scene.fleet.server.childPid('control'), 'SIGKILL');
    await scene.checkAfterCrash(jobId);
  });

  it('of the whole server: it starts again on the same data, and nothing committed is lost', async () => {
    const { fleet } = scene;
    const jobId = await scene.startLargeBackup('server');
    const pids = [fleet.server.process.pid, fleet.server.childPid('control'), fleet.server.childPid('gateway')];
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await fleet.server.process.exited;
    await fleet.server.start();
    await fleet.agent().waitUntilOnline(fleet.api);
    await scene.checkAfterCrash(jobId);
  });
});
