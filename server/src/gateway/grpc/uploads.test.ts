import 'reflect-metadata';
import { once } from 'node:events';
import type { Metadata } from '@grpc/grpc-js';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import { type DataServiceClient, PackKind } from '@holdfast/proto/v1';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromGrpcError } from '../../platform/grpc/errors.js';
import { call, GatewayScene, upload } from '../testing/grpc/gateway-scene.fixture.js';
import { Uploader } from '../testing/uploader.fixture.js';

// Real connections and megabytes of packs: a busy machine may take its time.
vi.setConfig({ testTimeout: 60_000 });
const MIB = 1024 * 1024;

type UploadStream = ReturnType<DataServiceClient['uploadPack']>;

const piece = (data: Buffer) => ({ part: { $case: 'frame' as const, value: { data, last: false } } });

let scene: GatewayScene;
beforeEach(async () => {
  scene = await GatewayScene.start();
});
afterEach(() => scene.stop());

describe('uploads over mutual TLS', () => {
  it('refuses malformed uploads without harm to the session', async () => {
    const { alice, control } = scene;
    const client = await scene.clientOf('agent', alice.agentId);
    const { sessionId } = await scene.open(client, control.addJob(alice.agentId, 'backup'));
    const pack = alice.pack([[alice.data(systemRandom.bytes(2 * MIB))]]);
    const malformed = { kind: 'Validation', code: 'MALFORMED_CALL' };
    await expect(upload(client, sessionId, pack, MIB + 1)).rejects.toMatchObject(malformed);
    await expect(upload(client, sessionId, pack, 2 * MIB)).rejects.toMatchObject({ kind: 'RateLimited' });
    const withFooter = (footerBytes: Buffer) => ({ ...pack, tail: { ...pack.tail, footerBytes } });
    await expect(upload(client, sessionId, withFooter(Buffer.alloc(8 * MIB + 1)))).rejects.toMatchObject({
      kind: 'Validation',
      code: 'FOOTER_TOO_LARGE',
    });
    await expect(upload(client, sessionId, withFooter(Buffer.alloc(0)))).rejects.toMatchObject(malformed);
    // Pieces that cost work and move nothing forward: empty ones, and very many short ones.
    await expect(upload(client, sessionId, { ...pack, frames: [Buffer.alloc(0)] })).rejects.toMatchObject(malformed);
    await expect(upload(client, sessionId, pack, 1_000)).rejects.toMatchObject(malformed);
    let backwards!: ReturnType<DataServiceClient['uploadPack']>;
    const refused = new Promise<unknown>((resolve) => {
      backwards = client.uploadPack((error) => resolve(error && fromGrpcError(error)));
    });
    const header = { sessionId, packId: systemRandom.bytes(16), kind: PackKind.PACK_KIND_DATA, again: false };
    backwards.write({ part: { $case: 'header', value: header } });
    backwards.write({ part: { $case: 'footer', value: { data: Buffer.alloc(1), last: false } } });
    backwards.write({ part: { $case: 'frame', value: { data: Buffer.alloc(1), last: true } } });
    expect(await refused).toMatchObject(malformed);
    await expect(upload(client, Buffer.alloc(3), pack)).rejects.toMatchObject({ kind: 'Validation' });
    await expect(call(client, client.hasChunks, { sessionId, claims: Buffer.alloc(33) })).rejects.toMatchObject({
      kind: 'Validation',
    });
    const cut = client.uploadPack(() => undefined);
    cut.write({
      part: {
        $case: 'header',
        value: { sessionId, packId: uuidToBytes(pack.packId), kind: PackKind.PACK_KIND_DATA, again: false },
      },
    });
    cut.write({ part: { $case: 'frame', value: { data: Buffer.alloc(100), last: false } } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    cut.cancel();
    expect(await upload(client, sessionId, pack)).toBeGreaterThan(2n * BigInt(MIB));
  });

  it.each([
    ['its caller leaves', (stream: UploadStream) => stream.cancel()],
    ['it breaks the protocol', (stream: UploadStream) => void stream.write(piece(Buffer.alloc(0)))],
  ])('begin anew where %s, also when they come again', async (_, breakOff) => {
    const { alice, control } = scene;
    const client = await scene.clientOf('agent', alice.agentId);
    const { sessionId } = await scene.open(client, control.addJob(alice.agentId, 'backup'));
    const packId = systemRandom.bytes(16);
    const begin = (again: boolean) => {
      const ended = Promise.withResolvers<void>();
      const stream = client.uploadPack(() => ended.resolve());
      const from = once(stream, 'metadata').then(([metadata]) => (metadata as Metadata).get('holdfast-received-bytes'));
      const header = { sessionId, packId, kind: PackKind.PACK_KIND_DATA, again };
      stream.write({ part: { $case: 'header', value: header } });
      return { stream, from, ended: ended.promise };
    };
    const first = begin(false);
    await first.from;
    first.stream.write(piece(Buffer.alloc(100)));
    await new Promise((resolve) => setTimeout(resolve, 200));
    breakOff(first.stream);
    await first.ended;
    await new Promise((resolve) => setTimeout(resolve, 200));
    const second = begin(true);
    expect(await second.from).toEqual(['0']);
    second.stream.cancel();
  });

  it('ends sessions when control says that the job is over, also while a pack is under way', async () => {
    const { alice, asControl, control } = scene;
    const { agentId } = await Uploader.create(alice.domain, systemRandom);
    const client = await scene.clientOf('agent', agentId);
    const job = control.addJob(agentId, 'backup');
    const { sessionId } = await scene.open(client, job);
    const under = new Promise<unknown>((resolve) => {
      const stream = client.uploadPack((error) => resolve(error && fromGrpcError(error)));
      stream.write({
        part: {
          $case: 'header',
          value: { sessionId, packId: systemRandom.bytes(16), kind: PackKind.PACK_KIND_DATA, again: false },
        },
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await asControl.endSessions(job);
    expect(await under).toMatchObject({ kind: 'IllegalState', code: 'JOB_OVER' });
    await expect(call(client, client.hasChunks, { sessionId, claims: Buffer.alloc(0) })).rejects.toMatchObject({
      code: 'JOB_OVER',
    });
  });
});
