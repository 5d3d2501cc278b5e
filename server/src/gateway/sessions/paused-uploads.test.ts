import { PackKind, packName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { TestPack, Uploader } from '../testing/uploader.fixture.js';
import { World } from '../testing/world.fixture.js';
import { PausedUploads } from './paused-uploads.js';
import { PackReceiver } from './receive-pack.js';
import { notNow } from './refusals.js';
import type { Session } from './session.js';

let world: World;
afterEach(() => world.remove());

const log = pino({ level: 'silent' });

function pausedUploads(maxPausedUploads: number, maxUploadsPerSession = 4): PausedUploads {
  return new PausedUploads({ maxPausedUploads, maxUploadsPerSession }, log);
}

async function receive(session: Session, { packId, kind }: TestPack, again = false): Promise<PackReceiver> {
  return (await PackReceiver.start(session, { packId, kind, again }, world.limits)) as PackReceiver;
}

async function half(session: Session, agent: Uploader) {
  const pack = agent.pack([[agent.data('first')], [agent.data(world.random.bytes(1_000))]]);
  const [one, other] = pack.frames as [Buffer, Buffer];
  const receiver = await receive(session, pack);
  await receiver.piece(one, true);
  await receiver.piece(other.subarray(0, 400), false);
  return { pack, receiver, rest: other.subarray(400), sent: one.length + 400 };
}

describe('paused uploads', () => {
  it('go on where they were, and are stored as they were made', async () => {
    world = await World.create('paused');
    const paused = pausedUploads(10);
    const { session } = await world.backup(world.alice);
    const { pack, receiver, rest, sent } = await half(session, world.alice);
    paused.pause(session, receiver);
    await expect(receiver.piece(rest, true)).rejects.toMatchObject({ code: 'UPLOAD_OVER' });
    const next = await receive(session, pack, true);
    expect(next.received).toBe(sent);
    await next.piece(rest, true);
    expect(await next.finish(pack.tail.footerBytes)).toBeGreaterThan(0);
    expect(session.uploads.size).toBe(0);
    expect(session.isBusy).toBe(false);
  });

  it('are refused, and leave nothing, when they go on with other bytes', async () => {
    world = await World.create('other bytes');
    const paused = pausedUploads(10);
    const { session } = await world.backup(world.alice);
    const { pack, receiver, rest } = await half(session, world.alice);
    paused.pause(session, receiver);
    const next = await receive(session, pack, true);
    await next.piece(Buffer.alloc(rest.length), true);
    await expect(next.finish(pack.tail.footerBytes)).rejects.toMatchObject({ code: 'FRAME_HASH' });
    await next.abort();
    expect(session.vault.index.findPack(pack.packId)).toBeUndefined();
    expect(await session.vault.store.stat(packName(uuidToBytes(pack.packId)))).toBeUndefined();
  });

  it('belong to one connection at a time: a second one takes over, and begins anew', async () => {
    world = await World.create('two connections');
    const paused = pausedUploads(10);
    const { session } = await world.backup(world.alice);
    const { pack, receiver, rest } = await half(session, world.alice);
    paused.pause(session, receiver);
    const [one, other] = await Promise.all([receive(session, pack, true), receive(session, pack, true)]);
    expect(other.received).toBe(0);
    await expect(one.piece(rest, true)).rejects.toMatchObject({ code: 'UPLOAD_OVER' });
    for (const frame of pack.frames) await other.piece(frame, true);
    expect(await other.finish(pack.tail.footerBytes)).toBeGreaterThan(0);
    expect(session.isBusy).toBe(false);
  });

  it('count neither as work of their session nor as its uploads while they wait', async () => {
    world = await World.create('not busy', { maxUploadsPerSession: 1 });
    const paused = pausedUploads(10);
    const { session } = await world.backup(world.alice);
    const { pack, receiver } = await half(session, world.alice);
    expect(session.isBusy).toBe(true);
    paused.pause(session, receiver);
    expect(session.isBusy).toBe(false);
    const other = await half(session, world.alice);
    await expect(receive(session, pack, true)).rejects.toMatchObject({ kind: 'RateLimited' });
    await other.receiver.abort();
    expect((await receive(session, pack, true)).received).toBeGreaterThan(0);
  });

  it('begin anew for one who does not wait to be told from where, or sends another kind of pack', async () => {
    world = await World.create('anew');
    const paused = pausedUploads(10);
    const { session } = await world.backup(world.alice);
    const first = await half(session, world.alice);
    paused.pause(session, first.receiver);
    expect((await receive(session, first.pack)).received).toBe(0);
    const second = await half(session, world.alice);
    paused.pause(session, second.receiver);
    const asNodes = { ...second.pack, kind: PackKind.PACK_KIND_NODE };
    expect((await receive(session, asNodes, true)).received).toBe(0);
  });

  it('end with their session, and leave nothing behind', async () => {
    world = await World.create('ended');
    const paused = pausedUploads(10);
    const { session } = await world.backup(world.alice);
    const { pack, receiver } = await half(session, world.alice);
    paused.pause(session, receiver);
    expect(session.vault.index.findPack(pack.packId)?.state).toBe('arriving');
    session.end(notNow('JOB_OVER', 'The job is over.'));
    await paused.ended();
    expect(session.vault.index.findPack(pack.packId)).toBeUndefined();
    expect(session.uploads.size).toBe(0);
  });

  it('are given up, the oldest of whoever has most, when there are too many', async () => {
    world = await World.create('too many');
    const paused = pausedUploads(2);
    const { session: ofAlice } = await world.backup(world.alice);
    const { session: ofBob } = await world.backup(world.bob);
    const honest = await half(ofBob, world.bob);
    const many = [await half(ofAlice, world.alice), await half(ofAlice, world.alice)];
    paused.pause(ofBob, honest.receiver);
    for (const { receiver } of many) paused.pause(ofAlice, receiver);
    await paused.ended();
    const [first, second] = many as [(typeof many)[0], (typeof many)[0]];
    expect((await receive(ofBob, honest.pack, true)).received).toBe(honest.sent);
    expect((await receive(ofAlice, first.pack, true)).received).toBe(0);
    expect((await receive(ofAlice, second.pack, true)).received).toBe(second.sent);
  });

  it('are no more of one session than it may send at a time', async () => {
    world = await World.create('of one session');
    const paused = pausedUploads(10, 2);
    const { session } = await world.backup(world.alice);
    const { session: another } = await world.backup(world.alice);
    const first = await half(session, world.alice);
    paused.pause(session, first.receiver);
    for (const each of [another, session, session]) paused.pause(each, (await half(each, world.alice)).receiver);
    await paused.ended();
    expect([...session.uploads.keys()]).not.toContain(first.pack.packId);
    expect(session.uploads.size).toBe(2);
    expect(another.uploads.size).toBe(1);
  });

  it('give back what they hold of a store that is full, and of no other', async () => {
    world = await World.create('full');
    const paused = pausedUploads(10);
    const { session } = await world.backup(world.alice);
    const { pack, receiver } = await half(session, world.alice);
    paused.pause(session, receiver);
    const full = new HoldfastError({ kind: 'Unavailable', code: 'STORE_FULL', message: 'It is full.' });
    const slow = new HoldfastError({ kind: 'Unavailable', code: 'STORE_IO', message: 'It fails.' });
    await paused.makeRoomIfFull('01901234-5678-7abc-8def-0123456789ab', full);
    await paused.makeRoomIfFull(session.vault.vaultId, slow);
    expect(session.uploads.size).toBe(1);
    await paused.makeRoomIfFull(session.vault.vaultId, full);
    expect(session.uploads.size).toBe(0);
    expect((await receive(session, pack, true)).received).toBe(0);
  });
});
