import 'reflect-metadata';
import { asHoldfastError } from '@holdfast/core/errors';
import { systemRandom, uuidFromBytes } from '@holdfast/core/ids';
import type { HeldFrame } from '@holdfast/proto/v1';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, commitOf, GatewayScene, readFrames, readOf, upload } from '../testing/grpc/gateway-scene.fixture.js';
import { type TestPack, Uploader } from '../testing/uploader.fixture.js';

// Real connections and megabytes of packs: a busy machine may take its time.
vi.setConfig({ testTimeout: 60_000 });
const MIB = 1024 * 1024;

let scene: GatewayScene;
beforeEach(async () => {
  scene = await GatewayScene.start();
});
afterEach(() => scene.stop());

describe('a backup and its restore over mutual TLS', () => {
  it('takes a backup of an agent and gives it back in a restore, byte for byte', async () => {
    const { alice, control, vault } = scene;
    const client = await scene.clientOf('agent', alice.agentId);
    const { sessionId, maxParallelUploads } = await scene.open(client, control.addJob(alice.agentId, 'backup'));
    expect(maxParallelUploads).toBeGreaterThan(0);
    const big = alice.data(systemRandom.bytes(3 * MIB + 17));
    const small = alice.data('small');
    const root = alice.node('root', [big, small]);
    const before = await call(client, client.hasChunks, { sessionId, claims: Buffer.concat([big.claim, small.claim]) });
    expect(before.present).toEqual(Buffer.of(0));
    const packs = [alice.pack([[big], [small]]), alice.pack([[root]])];
    await Promise.all(packs.map((pack) => upload(client, sessionId, pack)));
    const after = await call(client, client.hasChunks, { sessionId, claims: Buffer.concat([big.claim, small.claim]) });
    expect(after.present).toEqual(Buffer.of(3));
    const commit = commitOf(sessionId, root);
    const { pointId, missing } = await call(client, client.commit, commit);
    expect([pointId.length, missing.length]).toEqual([16, 0]);
    expect(control.points.get(uuidFromBytes(pointId))?.recorded).toBe(true);
    await call(client, client.closeSession, { sessionId });
    await expect(call(client, client.commit, commit)).rejects.toMatchObject({ code: 'SESSION_CLOSED' });

    const restore = await scene.open(client, control.addJob(alice.agentId, 'restore', root.id));
    expect(await scene.readAll(client, restore.sessionId, [root.id])).toEqual(['root']);
    const contents = await scene.readAll(client, restore.sessionId, [small.id, big.id]);
    expect(contents.map((each) => each.length)).toEqual([big.content.length, 5]);
    expect(contents[0] === big.content.toString('latin1')).toBe(true);

    const fetched: Buffer[] = [];
    const [ofBig, ofSmall] = (packs[0] as TestPack).frames as [Buffer, Buffer];
    for (const offsets of [[16 + ofBig.length, 16], [16 + ofBig.length]])
      for await (const part of scene.asControl.fetchFrames(vault, (packs[0] as TestPack).packId, offsets))
        if (part.kind === 'frame') fetched.push(Buffer.from(part.frame.bytes));
    expect(fetched.map((bytes, place) => bytes.equals(place === 0 ? ofBig : ofSmall))).toEqual([true, true, true]);
    const chunks = [];
    for await (const part of scene.asControl.fetchChunks(vault, [root.id, Buffer.alloc(32)])) chunks.push(part.kind);
    expect(chunks.toSorted()).toEqual(['damaged', 'frame']);
    const kindsOf = async (from: { domainId?: string; avoidPacks?: string[] }) =>
      (await Array.fromAsync(scene.asControl.fetchChunks(vault, [root.id], from))).map(({ kind }) => kind);
    const avoidPacks = [(packs[1] as TestPack).packId];
    expect(await kindsOf({ avoidPacks })).toEqual(['damaged']);
    expect(await kindsOf({ domainId: alice.domain.id })).toEqual(['frame']);
    expect(await kindsOf({ domainId: uuidFromBytes(systemRandom.bytes(16)) })).toEqual(['damaged']);
  });

  it('leaves the cut of a frame at control alone once its agent no longer waits for it', async () => {
    const { alice, control } = scene;
    const bob = await Uploader.create(alice.domain, systemRandom);
    const known = bob.data('known to both');
    const asBob = await scene.clientOf('agent', bob.agentId);
    const theirs = await scene.open(asBob, control.addJob(bob.agentId, 'backup'));
    await upload(asBob, theirs.sessionId, bob.pack([[known, bob.data('a secret of bob')]]));
    const client = await scene.clientOf('agent', alice.agentId);
    const { sessionId } = await scene.open(client, control.addJob(alice.agentId, 'backup'));
    expect((await call(client, client.hasChunks, { sessionId, claims: known.claim })).present).toEqual(Buffer.of(1));
    const root = alice.node('refers to it', [known]);
    await upload(client, sessionId, alice.pack([[root]]));
    await call(client, client.commit, commitOf(sessionId, root));
    const restore = await scene.open(client, control.addJob(alice.agentId, 'restore', root.id));
    await scene.readAll(client, restore.sessionId, [root.id]);

    const waits: AbortSignal[] = [];
    const cutting = vi.spyOn(control, 'cutFrame').mockImplementation(
      (_job, _frame, over) =>
        new Promise((_, reject) => {
          over.addEventListener('abort', () => reject(asHoldfastError(over.reason)));
          waits.push(over);
        }),
    );
    const reading = client.readChunks(readOf(restore.sessionId, [known.id]));
    reading.on('error', () => undefined);
    await expect.poll(() => waits.length, { timeout: 5_000 }).toBe(1);
    reading.cancel();
    await expect.poll(() => waits[0]?.aborted, { timeout: 5_000 }).toBe(true);
    cutting.mockRestore();
    expect(await scene.readAll(client, restore.sessionId, [known.id])).toEqual(['known to both']);
  });

  it('leaves out what the reader has of a frame, of that very frame and no other', async () => {
    const { alice, control } = scene;
    const big = alice.data(systemRandom.bytes(2 * MIB));
    const { root } = await scene.commit([big]);
    const client = await scene.clientOf('agent', alice.agentId);
    const { sessionId } = await scene.open(client, control.addJob(alice.agentId, 'restore', root.id));
    const request = readOf(sessionId, [big.id]);
    const [first] = await readFrames(client, request);
    const { head, stored } = first as NonNullable<typeof first>;
    expect(head.heldBytes).toBe(0);
    const heldOf = async (held: HeldFrame) => {
      const [frame] = await readFrames(client, { ...request, held });
      return [frame?.head.heldBytes, frame?.stored];
    };
    const held = { packId: head.packId, frame: head.frame, bytes: MIB + 1 };
    expect(await heldOf(held)).toEqual([MIB + 1, stored.subarray(MIB + 1)]);
    expect(await heldOf({ ...held, bytes: stored.length })).toEqual([stored.length, Buffer.alloc(0)]);
    for (const other of [
      { ...held, packId: systemRandom.bytes(16) },
      { ...held, frame: Buffer.concat([head.frame, Buffer.of(0)]) },
      { ...held, bytes: stored.length + 1 },
    ])
      expect(await heldOf(other)).toEqual([0, stored]);
  });
});
