import 'reflect-metadata';
import { systemRandom, uuidFromBytes } from '@holdfast/core/ids';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { call, GatewayScene, newAuthority, upload } from '../testing/grpc/gateway-scene.fixture.js';

let scene: GatewayScene;
beforeEach(async () => {
  scene = await GatewayScene.start();
});
afterEach(() => scene.stop());

describe("a gateway's doors over mutual TLS", () => {
  it('lets in nobody without a certificate of the CA, and each role only through its own door', async () => {
    const { alice, control, vault } = scene;
    const anonymous = scene.anonymous();
    const job = control.addJob(alice.agentId, 'backup');
    await expect(scene.open(anonymous, job)).rejects.toMatchObject({ kind: 'Unavailable' });
    const foreign = await newAuthority();
    await expect(scene.open(await scene.clientOf('agent', alice.agentId, foreign), job)).rejects.toMatchObject({
      kind: 'Unavailable',
    });
    for (const role of ['control', 'gateway'] as const) {
      await expect(scene.open(await scene.clientOf(role, alice.agentId), job)).rejects.toMatchObject({
        kind: 'Forbidden',
        code: 'WRONG_CERTIFICATE_ROLE',
      });
    }
    const through = await scene.controlServiceAsAgent(alice.agentId);
    await expect(through.getObject(vault, 'descriptor/0000000000000001')).rejects.toMatchObject({ kind: 'Forbidden' });
    await expect(through.voidAgent(alice.agentId)).rejects.toMatchObject({ kind: 'Forbidden' });
    // Another agent's certificate does not open this agent's job, nor use its session.
    const { sessionId } = await scene.open(await scene.clientOf('agent', alice.agentId), job);
    const strangerId = uuidFromBytes(systemRandom.bytes(16));
    const stranger = await scene.clientOf('agent', strangerId);
    await expect(scene.open(stranger, job)).rejects.toMatchObject({ kind: 'Forbidden', code: 'NOT_YOUR_JOB' });
    await expect(call(stranger, stranger.closeSession, { sessionId })).rejects.toMatchObject({
      code: 'SESSION_UNKNOWN',
    });
    await expect
      .poll(() => control.incidents.map(({ agentId, kind, reason }) => [agentId, kind, reason]))
      .toEqual([
        [alice.agentId, 'callForeignService', 'WRONG_CERTIFICATE_ROLE'],
        [strangerId, 'openSession', 'NOT_YOUR_JOB'],
        [strangerId, 'closeSession', 'SESSION_OF_ANOTHER_AGENT'],
      ]);
  });

  it('reports a pack whose footer lies, and nothing of what breaks by accident', async () => {
    const { alice, control } = scene;
    const client = await scene.clientOf('agent', alice.agentId);
    const { sessionId } = await scene.open(client, control.addJob(alice.agentId, 'backup'));
    const pack = alice.pack([[alice.data('honest')]]);
    const [frame] = pack.frames;
    const other = Buffer.from(frame as Buffer);
    other.writeUInt8(other.readUInt8(0) ^ 1, 0);
    await expect(upload(client, systemRandom.bytes(16), pack)).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
    await expect(upload(client, sessionId, { ...pack, frames: [other] })).rejects.toMatchObject({ code: 'FRAME_HASH' });
    await expect
      .poll(() => control.incidents)
      .toEqual([{ agentId: alice.agentId, kind: 'uploadPack', reason: 'FRAME_HASH', count: 1 }]);
  });
});
