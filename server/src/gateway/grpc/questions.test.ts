import 'reflect-metadata';
import { systemRandom } from '@holdfast/core/ids';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, GatewayScene, upload } from '../testing/grpc/gateway-scene.fixture.js';
import { type TestChunk, Uploader } from '../testing/uploader.fixture.js';

vi.setConfig({ testTimeout: 60_000 });

let scene: GatewayScene;
beforeEach(async () => {
  scene = await GatewayScene.start();
});
afterEach(() => scene.stop());

describe('a gateway that is asked what exists', () => {
  it('keeps no question whose caller has gone: not its place in the session, nor its turn at control', async () => {
    const { alice, control } = scene;
    const bob = await Uploader.create(alice.domain, systemRandom);
    const asBob = await scene.clientOf('agent', bob.agentId);
    const theirs = await scene.open(asBob, control.addJob(bob.agentId, 'backup'));
    const unverified = Array.from({ length: 5 }, (_, number) => bob.data(`of bob ${number}`));
    for (const chunk of unverified) await upload(asBob, theirs.sessionId, bob.pack([[chunk]]));
    const carol = await Uploader.create(alice.domain, systemRandom);
    const client = await scene.clientOf('agent', carol.agentId);
    const { sessionId } = await scene.open(client, control.addJob(carol.agentId, 'backup'));
    const held = Promise.withResolvers<void>();
    control.beforeVerdict = () => held.promise;
    const askedBefore = control.verified.length;
    const questions = unverified
      .slice(0, 4)
      .map(({ claim }) => client.hasChunks({ sessionId, claims: claim }, () => undefined));
    await expect.poll(() => control.verified.length - askedBefore, { timeout: 5_000 }).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const question of questions) question.cancel();

    const [last] = unverified.slice(-1) as [TestChunk];
    // While the four have their places it is refused at once.
    let answer: Promise<unknown> = Promise.resolve();
    const isRefused = async () => {
      answer = call(client, client.hasChunks, { sessionId, claims: last.claim }).catch((error: unknown) => error);
      const soon = new Promise((resolve) => setTimeout(resolve, 300, 'it waits'));
      return (await Promise.race([answer, soon])) !== 'it waits';
    };
    await expect.poll(isRefused, { timeout: 5_000 }).toBe(false);
    held.resolve();
    control.beforeVerdict = async () => undefined;
    expect(await answer).toMatchObject({ present: Buffer.of(1) });
    expect(control.verified.length - askedBefore).toBe(3);
  });
});
