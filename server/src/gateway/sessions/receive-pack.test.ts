import { encodePackFooter, encodePackHeader, packName, readPackFooter } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import { World } from '../testing/world.fixture.js';
import { PackReceiver } from './receive-pack.js';

let world: World;
afterEach(() => world.remove());

async function names(prefix: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { name } of world.store.list(prefix)) all.push(name);
  return all;
}

describe('receiving a pack', () => {
  it('stores exactly the pack that the agent built, and rows that make its footer again', async () => {
    world = await World.create('store');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const data = ['a', 'b', 'c'].map((each) => alice.data(each.repeat(100)));
    const pack = alice.pack([data.slice(0, 2), data.slice(2)]);
    const nodes = alice.pack([[alice.node('leaf', []), alice.node('dir', data)]]);
    for (const each of [pack, nodes]) {
      const stored = await world.upload(session, each);
      const footer = await readPackFooter(world.store, uuidToBytes(each.packId));
      expect(encodePackFooter(footer).equals(each.tail.footerBytes)).toBe(true);
      expect((await world.store.stat(packName(uuidToBytes(each.packId))))?.size).toBe(stored);
      const row = session.vault.index.findPack(each.packId);
      expect(row && encodePackFooter(session.vault.index.footerOf(row)).equals(each.tail.footerBytes)).toBe(true);
    }
  });

  it('answers a repeated pack as the first time and stores it once', async () => {
    world = await World.create('repeat');
    const { session, job } = await world.backup(world.alice);
    const chunk = world.alice.data('once');
    const pack = world.alice.pack([[chunk]]);
    const first = await world.upload(session, pack);
    expect(await world.upload(session, pack)).toBe(first);
    expect(session.vault.index.lookup(chunk.id)[0]).toHaveLength(1);
    world.crash();
    const again = await world.open(world.alice, job);
    expect(await world.upload(again, pack)).toBe(first);
    expect(again.vault.index.lookup(chunk.id)[0]).toHaveLength(1);
  });

  it('comes whole for whoever began last, also when one who began before had its bytes stored first', async () => {
    world = await World.create('last');
    const { alice } = world;
    const pack = alice.pack([[alice.data('content')]]);
    const { packId, kind } = pack;
    const { session: one } = await world.backup(alice);
    const { session: other } = await world.backup(alice);
    const begin = async (session: typeof one) => {
      const receiver = (await PackReceiver.start(session, { packId, kind }, world.limits)) as PackReceiver;
      for (const frame of pack.frames) await receiver.piece(frame, true);
      return receiver;
    };
    const before = await begin(one);
    const last = await begin(other);
    await expect(before.finish(pack.tail.footerBytes)).rejects.toMatchObject({ code: 'PACK_NOT_ARRIVING' });
    expect(await last.finish(pack.tail.footerBytes)).toBeGreaterThan(0);
    expect(other.vault.index.findPack(packId)?.state).toBe('stored');
  });

  it("refuses a pack id that another agent's pack has", async () => {
    world = await World.create('taken');
    const { alice, bob } = world;
    const pack = alice.pack([[alice.data('mine')]]);
    await world.upload((await world.backup(alice)).session, pack);
    const theirs = bob.pack([[bob.data('other')]], { packId: pack.packId });
    await expect(world.upload((await world.backup(bob)).session, theirs)).rejects.toMatchObject({
      kind: 'Conflict',
      code: 'PACK_ID_TAKEN',
    });
  });

  it('refuses what the footer does not describe, leaves nothing behind, and takes the right pack afterwards', async () => {
    world = await World.create('wrong');
    const { alice, bob } = world;
    const { session } = await world.backup(alice);
    const pack = alice.pack([[alice.data('content')], [alice.data('more')]]);
    const flipped = Buffer.from(pack.frames[0] as Buffer);
    flipped[3] = (flipped[3] ?? 0) ^ 1;
    const wrong = [
      { ...pack, frames: [flipped, pack.frames[1] as Buffer] },
      { ...pack, frames: pack.frames.slice(1) },
      { ...pack, frames: [...pack.frames, Buffer.from('extra')] },
      { ...pack, tail: { ...pack.tail, footerBytes: Buffer.concat([pack.tail.footerBytes, Buffer.of(0)]) } },
      { ...alice.pack([[alice.data('content')]]), packId: pack.packId },
      alice.pack([[alice.data('content')]], { uploaderId: bob.agentId }),
      { ...pack, kind: alice.pack([[alice.node('n', [])]]).kind },
    ];
    for (const each of wrong) await expect(world.upload(session, each)).rejects.toMatchObject({ kind: 'Integrity' });
    expect(await names('pack/')).toEqual([]);
    expect(session.uploads.size).toBe(0);
    expect(await world.upload(session, pack)).toBeGreaterThan(0);
  });

  it('ends an upload above its size cap before it fills the store', async () => {
    world = await World.create('large', { maxPackBytes: 1_000 });
    const { session } = await world.backup(world.alice);
    const pack = world.alice.pack([[world.alice.data(world.random.bytes(2_000))]]);
    await expect(world.upload(session, pack)).rejects.toMatchObject({ kind: 'Validation', code: 'PACK_TOO_LARGE' });
    expect(await names('pack/')).toEqual([]);
  });

  it('has no more uploads under way than the session may', async () => {
    world = await World.create('parallel', { maxUploadsPerSession: 1 });
    const { alice } = world;
    const { session } = await world.backup(alice);
    const [one, two] = [alice.pack([[alice.data('1')]]), alice.pack([[alice.data('2')]])];
    const receiver = await PackReceiver.start(session, { packId: one.packId, kind: one.kind }, world.limits);
    await expect(world.upload(session, two)).rejects.toMatchObject({ kind: 'RateLimited' });
    // A newer call for the same pack takes over from the one whose connection was lost.
    expect(await world.upload(session, one)).toBeGreaterThan(0);
    await expect((receiver as PackReceiver).piece(Buffer.alloc(1), false)).rejects.toMatchObject({
      code: 'UPLOAD_OVER',
    });
    expect(await world.upload(session, two)).toBeGreaterThan(0);
  });

  it('says why when the store is full, keeps no trace, and goes on when there is space', async () => {
    world = await World.create('full');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    const { session } = await world.backup(world.alice);
    const pack = world.alice.pack([[world.alice.data('content')]]);
    const full = new HoldfastError({
      kind: 'Unavailable',
      code: 'STORE_FULL',
      message: 'The store is full: no space is left on its disk.',
    });
    const fail = () => {
      throw full;
    };
    store.beforeWrite = fail;
    await expect(world.upload(session, pack)).rejects.toBe(full);
    store.beforeWrite = () => undefined;
    store.beforeCommit = fail;
    await expect(world.upload(session, pack)).rejects.toBe(full);
    store.beforeCommit = () => undefined;
    expect(session.vault.index.findPack(pack.packId)).toBeUndefined();
    expect(await world.upload(session, pack)).toBeGreaterThan(0);
  });

  it('after a crash between file and rows remembers the file as leaked, and takes it in when the agent sends it again', async () => {
    world = await World.create('leak');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    const { session, job } = await world.backup(world.alice);
    const chunk = world.alice.data('content');
    const pack = world.alice.pack([[chunk]]);
    store.afterCommit = (name) => {
      store.afterCommit = () => undefined;
      if (name.startsWith('pack/')) world.crash();
    };
    await expect(world.upload(session, pack)).rejects.toThrow();
    expect(await names('pack/')).toHaveLength(1);

    const again = await world.open(world.alice, job);
    expect(again.vault.index.packIds('leaked')).toEqual([pack.packId]);
    expect(await world.has(again, [chunk])).toEqual([false]);
    expect(await world.upload(again, pack)).toBeGreaterThan(0);
    expect(again.vault.index.packIds('leaked')).toEqual([]);
    expect(await world.has(again, [chunk])).toEqual([true]);
  });

  it('takes in a file of unknown origin only if it is the very pack that is sent', async () => {
    world = await World.create('unknown origin');
    const { alice, bob } = world;
    const pack = alice.pack([[alice.data('content')]]);
    const object = Buffer.concat([encodePackHeader(pack.kind), ...pack.frames, pack.tail.bytes]);
    await world.backup(alice);
    await world.store.put(packName(uuidToBytes(pack.packId)), object);
    world.crash();
    const theirs = bob.pack([[bob.data('other')]], { packId: pack.packId });
    const { session: bobs } = await world.backup(bob);
    await expect(world.upload(bobs, theirs)).rejects.toMatchObject({ kind: 'Conflict' });
    world.crash();
    const { session } = await world.backup(alice);
    const index = session.vault.index;
    expect(index.packIds('leaked')).toEqual([pack.packId]);
    expect(await world.upload(session, pack)).toBe(object.length);
  });

  it('forgets a pack that was arriving when the process died and whose file never came to be', async () => {
    world = await World.create('arriving');
    const { session, job } = await world.backup(world.alice);
    const pack = world.alice.pack([[world.alice.data('content')]]);
    const receiver = (await PackReceiver.start(
      session,
      { packId: pack.packId, kind: pack.kind },
      world.limits,
    )) as PackReceiver;
    await receiver.piece(Buffer.from('some bytes'), false);
    world.crash();
    const again = await world.open(world.alice, job);
    expect(again.vault.index.findPack(pack.packId)).toBeUndefined();
    expect(await world.upload(again, pack)).toBeGreaterThan(0);
  });
});
