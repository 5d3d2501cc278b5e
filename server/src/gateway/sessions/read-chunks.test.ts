import { packName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewayLimits } from '../limits.js';
import { World } from '../testing/world.fixture.js';

let world: World;
afterEach(() => world.remove());

/** A chunk in a pack of each of two agents, and a restore that leads to it. */
async function storedTwice(name: string) {
  world = await World.create(name);
  const { alice, bob } = world;
  const chunk = alice.data('twice');
  const { session } = await world.backup(alice);
  const first = alice.pack([[chunk]]);
  const root = alice.node('root', [chunk]);
  await world.upload(session, first);
  await world.upload(session, alice.pack([[root]]));
  await world.commit(session, root.id);
  const second = bob.pack([[chunk]]);
  await world.upload((await world.backup(bob)).session, second);

  const restore = await world.restore(alice, root.id);
  await world.read(restore, [root.id]);
  return { chunk, first, second, restore };
}

/** A restore to bob of what lies beside something of alice, for whom there is no time for another cut for the next minute. */
async function cutSlowly(name: string, limits: Partial<GatewayLimits> = {}) {
  world = await World.create(name, { cutMs: { burst: 1, perSecond: 0.001 }, ...limits });
  const { alice, bob } = world;
  const known = alice.data('known to all');
  await world.upload((await world.backup(alice)).session, alice.pack([[known, alice.data('secret')]]));
  const { session } = await world.backup(bob);
  expect(await world.has(session, [known])).toEqual([true]);
  const own = bob.node('own', [known]);
  await world.upload(session, bob.pack([[own]]));
  await world.commit(session, own.id);
  const restore = await world.restore(bob, own.id);
  await world.read(restore, [own.id, known.id]);
  return { known, restore };
}

describe('reading for a restore', () => {
  it('follows edges from the root, serves a frame once, and gives frames that open to the content', async () => {
    world = await World.create('follow');
    const { root, data } = await world.commitTree(world.alice, ['one', 'two', 'three']);
    const restore = await world.restore(world.alice, root.id);
    expect(world.contents(await world.read(restore, [root.id]))).toEqual(['tree of one,two,three']);
    const parts = await world.read(restore, [data[2]?.id as Buffer, data[0]?.id as Buffer, data[0]?.id as Buffer]);
    expect(parts).toHaveLength(1);
    expect(world.contents(parts)).toEqual(['one', 'two', 'three']);
  });

  it("refuses chunks that the restore's point does not lead to, and unknown ones alike", async () => {
    world = await World.create('refuse');
    const { alice, bob } = world;
    const mine = await world.commitTree(alice, ['mine']);
    const theirs = await world.commitTree(bob, ['theirs']);
    const restore = await world.restore(alice, mine.root.id);
    await world.read(restore, [mine.root.id]);
    for (const id of [theirs.root.id, theirs.data[0]?.id as Buffer, Buffer.alloc(32, 9)]) {
      await expect(world.read(restore, [id])).rejects.toMatchObject({ kind: 'Forbidden', code: 'CHUNK_NOT_REACHABLE' });
    }
    const { session } = await world.backup(alice);
    await expect(world.read(session, [mine.root.id])).rejects.toMatchObject({ code: 'WRONG_SESSION_KIND' });
  });

  it('says of a point that the index knows nothing of that the index is older', async () => {
    world = await World.create('outdated');
    await world.commitTree(world.alice, ['known']);
    await expect(world.restore(world.alice, Buffer.alloc(32, 9))).rejects.toMatchObject({
      kind: 'IllegalState',
      code: 'INDEX_OUTDATED',
    });
  });

  it('follows no edges of a node copy that nobody vouches for', async () => {
    world = await World.create('fake edges');
    const { alice, bob } = world;
    const secret = await world.commitTree(alice, ['the secret']);
    const own = await world.commitTree(bob, ['bob']);
    // A copy of bob's own root that claims another edge: never closed, so never followed.
    const { session } = await world.backup(bob);
    const fake = { ...own.root, edges: secret.data[0]?.id as Buffer };
    await world.upload(session, bob.pack([[fake]]));
    const restore = await world.restore(bob, own.root.id);
    const served = await world.read(restore, [own.root.id]);
    expect(world.contents(served)).toEqual(['tree of bob']);
    await expect(world.read(restore, [secret.data[0]?.id as Buffer])).rejects.toMatchObject({ kind: 'Forbidden' });
  });

  it('goes on in a new session where an earlier one had got to', async () => {
    world = await World.create('resume');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const file = alice.data('deep down');
    const inner = alice.node('inner', [file]);
    const root = alice.node('root', [inner]);
    await world.upload(session, alice.pack([[file]]));
    await world.upload(session, alice.pack([[inner, root]]));
    await world.commit(session, root.id);
    world.crash();
    const restore = await world.restore(alice, root.id);
    expect(world.contents(await world.read(restore, [file.id]))).toEqual(['deep down']);
    await expect(world.read(restore, [Buffer.alloc(32, 1)])).rejects.toMatchObject({ kind: 'Forbidden' });
  });

  it('takes another copy when the reader says that one is of no use, and leaves it alone from then on if it is damaged', async () => {
    const { chunk, first, second, restore } = await storedTwice('copies');
    const packOf = async (avoid: string[] = []) =>
      (await world.read(restore, [chunk.id], avoid)).map((part) => part.kind === 'frame' && part.pack.id);
    expect(await packOf()).toEqual([first.packId]);
    expect(await packOf([first.packId])).toEqual([second.packId]);
    // Whose stored bytes are what they were is taken again.
    expect(await packOf()).toEqual([first.packId]);
    await world.damage(first.packId);
    expect(await packOf([first.packId])).toEqual([second.packId]);
    expect(await packOf()).toEqual([second.packId]);
    await world.store.delete(packName(uuidToBytes(second.packId)));
    const both = [first.packId, second.packId];
    expect(await world.read(restore, [chunk.id], both)).toMatchObject([{ kind: 'damaged', chunkIds: chunk.id }]);
    // What is known to be damaged is the last resort, and not handed out unless it is sound again.
    expect(await packOf()).toEqual([false]);
    await world.damage(first.packId);
    expect(await packOf()).toEqual([first.packId]);
  });

  it('takes another copy by itself when a pack is gone', async () => {
    const { chunk, first, restore } = await storedTwice('gone');
    await world.store.delete(packName(uuidToBytes(first.packId)));
    expect(world.contents(await world.read(restore, [chunk.id]))).toEqual(['twice']);
  });

  it('marks nothing that this restore does not lead to, whatever the reader says of it', async () => {
    world = await World.create('others');
    const { alice } = world;
    const [mine, other] = [alice.data('mine'), alice.data('other')];
    const { session } = await world.backup(alice);
    const packs = [alice.pack([[mine]]), alice.pack([[other]])] as const;
    const root = alice.node('root', [mine]);
    for (const pack of [...packs, alice.pack([[root]])]) await world.upload(session, pack);
    await world.commit(session, root.id);
    const restore = await world.restore(alice, root.id);
    await world.read(restore, [root.id]);
    await world.damage(packs[1].packId);
    await expect(world.read(restore, [other.id], [packs[1].packId])).rejects.toMatchObject({ kind: 'Forbidden' });
    await world.read(restore, [mine.id], [packs[1].packId]);
    const next = await world.backup(alice);
    expect(await world.has(next.session, [mine, other])).toEqual([true, true]);
  });

  it('says which chunks are lost with a damaged frame, serves the rest, and lets a new backup heal them', async () => {
    world = await World.create('heal');
    const { alice } = world;
    const [lost, kept] = [alice.data('lost'), alice.data('kept')];
    const { session } = await world.backup(alice);
    const pack = alice.pack([[lost], [kept]]);
    const root = alice.node('root', [lost, kept]);
    await world.upload(session, pack);
    await world.upload(session, alice.pack([[root]]));
    await world.commit(session, root.id);
    await world.damage(pack.packId);

    const restore = await world.restore(alice, root.id);
    await world.read(restore, [root.id]);
    const parts = await world.read(restore, [lost.id, kept.id]);
    expect(parts.map(({ kind }) => kind)).toEqual(['frame', 'frame']);
    expect(world.contents(parts.slice(1))).toEqual(['kept']);
    const again = await world.read(restore, [lost.id], [pack.packId]);
    expect(again.filter(({ kind }) => kind === 'damaged')).toEqual([expect.objectContaining({ chunkIds: lost.id })]);

    const next = await world.backup(alice);
    expect(await world.has(next.session, [lost, kept])).toEqual([false, true]);
    await world.upload(next.session, alice.pack([[lost]]));
    expect(world.contents(await world.read(restore, [lost.id]))).toEqual(['lost']);
  });

  it('has frames cut for an agent at the pace that it may, until its session ends', async () => {
    const { known, restore } = await cutSlowly('pace of cuts');
    const second = world.read(restore, [known.id]);
    await world.clock.advance(1_000);
    expect(world.control.cuts).toHaveLength(1);
    await world.clock.advance(100_000);
    expect(world.contents(await second)).toEqual(['known to all']);
    expect(world.control.cuts).toHaveLength(2);
    const third = world.read(restore, [known.id]);
    third.catch(() => undefined);
    await world.clock.advance(1_000);
    restore.end(new HoldfastError({ kind: 'IllegalState', code: 'JOB_OVER', message: 'Over.' }));
    await expect(third).rejects.toMatchObject({ code: 'JOB_OVER' });
  });

  it('lets a read that waits to have a frame cut go with its reader: it gives its place back, and nothing is cut for it', async () => {
    const { known, restore } = await cutSlowly('left alone', { maxReadsPerSession: 1 });
    const leaving = new AbortController();
    const over = AbortSignal.any([restore.signal, leaving.signal]);
    const timers = world.clock.waiting;
    const left = world.read(restore, [known.id], [], over);
    left.catch(() => undefined);
    await expect.poll(() => world.clock.waiting).toBe(timers + 1);
    await expect(world.read(restore, [known.id])).rejects.toMatchObject({ code: 'TOO_MANY_AT_ONCE' });
    leaving.abort(new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'Gone.' }));
    await expect(left).rejects.toMatchObject({ code: 'CALLER_GONE' });
    const next = world.read(restore, [known.id]);
    await world.clock.advance(100_000);
    expect(world.contents(await next)).toEqual(['known to all']);
    expect(world.control.cuts).toHaveLength(2);
  });
});
