import { createSessionKey, packName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { afterEach, describe, expect, it } from 'vitest';
import { SUSPECT, UNFIT } from '../chunk-index/copy-state.js';
import { type TestChunk, type TestPack, testDomain, type Uploader } from '../testing/uploader.fixture.js';
import { World } from '../testing/world.fixture.js';

let world: World;
afterEach(() => world.remove());

const away = new HoldfastError({ kind: 'Unavailable', code: 'GONE', message: 'Gone.' });

/** Bob uploaded a copy of what alice backs up afterwards, at a time when control cannot verify it; carol has one beside something of her own. */
async function foreignCopyOf(wanted: TestChunk, make: (bob: Uploader) => TestPack) {
  const { alice, bob, carol } = world;
  const foreign = make(bob);
  await world.upload((await world.backup(bob)).session, foreign);
  world.control.failing.set('verifyFrames', away);
  const { session } = await world.backup(alice);
  expect(await world.has(session, [wanted])).toEqual([false]);
  const own = alice.pack([[wanted]]);
  await world.upload(session, own);
  const tree = alice.node('tree', [wanted]);
  await world.upload(session, alice.pack([[tree]]));
  expect(await world.commit(session, tree.id)).toMatchObject({ kind: 'committed' });
  const third = carol.pack([[wanted, carol.data('of carol')]]);
  await world.upload((await world.backup(carol)).session, third);
  const restore = await world.restore(alice, tree.id);
  await world.read(restore, [tree.id]);
  return { own, foreign, third, tree, restore };
}

const packsOf = async (...read: Parameters<World['read']>) =>
  (await world.read(...read)).map((part) => (part.kind === 'frame' ? part.pack.id : part.reason));

function bitFlipped(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
  return changed;
}

describe('a frame that control could not open although it is sound', () => {
  it('because its bytes changed on their way to be cut: it is read again, and goes on counting', async () => {
    world = await World.create('changed on the way');
    const wanted = world.alice.data('the real content');
    const { own, third, foreign, restore } = await foreignCopyOf(wanted, (bob) =>
      bob.pack([[wanted, bob.data('beside')]]),
    );
    const cut = world.control.cutFrame.bind(world.control);
    let changed = 0;
    world.control.cutFrame = (job, asked, over) => {
      changed += 1;
      world.control.cutFrame = cut;
      return cut(job, { ...asked, stored: bitFlipped(asked.stored) }, over);
    };
    const parts = await world.read(restore, [wanted.id], [own.packId, third.packId]);
    expect(changed).toBe(1);
    expect(parts.map((part) => part.kind === 'frame' && part.pack.id)).toEqual([foreign.packId]);
    expect(world.contents(parts)).toEqual(['the real content']);
    await world.clock.advance(1);
    expect(world.control.incidents).toEqual([]);
    const { index } = restore.vault;
    for (const { number } of index.lookup(wanted.id)[0] ?? [])
      expect(index.currentState(number) & (SUSPECT | UNFIT)).toBe(0);
  });

  it('because its session key changed on its way: it is asked for again, and the frame goes on counting', async () => {
    world = await World.create('key changed on the way');
    const { alice } = world;
    const { root, data } = await world.commitTree(alice, ['one']);
    const restore = await world.restore(alice, root.id);
    const release = world.control.releaseFrameKeys.bind(world.control);
    world.control.releaseFrameKeys = (job, frames) => {
      world.control.releaseFrameKeys = release;
      return release(
        job,
        frames.map((frame) => ({ ...frame, sessionKey: bitFlipped(frame.sessionKey) })),
      );
    };
    expect(world.contents(await world.read(restore, [root.id]))).toEqual(['tree of one']);
    await world.clock.advance(1);
    expect(world.control.incidents).toEqual([]);
    expect(await world.has((await world.backup(alice)).session, [root, ...data])).toEqual([true, true]);
  });

  it('because they changed in the store after they were read: it is suspect, and counts again once they are right', async () => {
    world = await World.create('changed in the store');
    const wanted = world.alice.data('the real content');
    const { own, third, foreign, restore } = await foreignCopyOf(wanted, (bob) =>
      bob.pack([[wanted, bob.data('beside')]]),
    );
    const name = packName(uuidToBytes(foreign.packId));
    const bytes = Buffer.from(await world.store.get(name));
    const cut = world.control.cutFrame.bind(world.control);
    world.control.cutFrame = async (job, asked, over) => {
      await world.damage(foreign.packId);
      return cut(job, { ...asked, stored: bitFlipped(asked.stored) }, over);
    };
    expect(await world.read(restore, [wanted.id], [own.packId, third.packId])).toMatchObject([{ kind: 'damaged' }]);
    await world.clock.advance(1);
    expect(world.control.incidents).toEqual([]);
    const { index, suspectPacks } = restore.vault;
    expect(index.suspectPacks(0, 9)).toHaveLength(1);
    await world.store.put(name, bytes);
    await suspectPacks.look();
    expect(index.suspectPacks(0, 9)).toEqual([]);
    for (const { number } of index.lookup(wanted.id)[0] ?? []) expect(index.currentState(number) & UNFIT).toBe(0);
  });
});

describe('a frame that does not open', () => {
  it('is not asked for where the agent that made the point has a copy of its own', async () => {
    world = await World.create('own copy');
    const wanted = world.alice.data('the real content');
    const { own, restore } = await foreignCopyOf(wanted, (bob) =>
      bob.pack([[wanted, bob.data('beside')]], { sealKey: world.random.bytes(32) }),
    );
    expect(await packsOf(restore, [wanted.id])).toEqual([own.packId]);
    expect(world.control.cuts).toEqual([]);
  });

  it('is left for another copy when it is to be cut, counts for nobody from then on, and is told of', async () => {
    world = await World.create('not cut');
    const { alice, bob } = world;
    const wanted = alice.data('the real content');
    const { own, third, restore } = await foreignCopyOf(wanted, (each) =>
      each.pack([[wanted, each.data('beside')]], { sealKey: world.random.bytes(32) }),
    );
    const parts = await world.read(restore, [wanted.id], [own.packId]);
    expect(parts.map((part) => part.kind === 'frame' && part.pack.id)).toEqual([third.packId]);
    expect(world.contents(parts)).toEqual(['the real content']);
    expect(await world.has((await world.backup(bob)).session, [wanted])).toEqual([false]);
    await world.clock.advance(1);
    expect(world.control.incidents).toMatchObject([
      { agentId: bob.agentId, kind: 'verifyCopy', reason: 'FRAME_NOT_OPENED' },
    ]);
  });

  it.each([
    away,
    new HoldfastError({ kind: 'WrongKey', code: 'SLOT_NOT_OPENED', message: "The vault's key does not open." }),
    new HoldfastError({ kind: 'Integrity', code: 'DOMAIN_DAMAGED', message: 'The domain is damaged.' }),
  ])('is not told by trouble of control ($kind): the read ends, and nothing is marked or told of', async (trouble) => {
    world = await World.create('trouble of control');
    const wanted = world.alice.data('the real content');
    const { own, foreign, restore } = await foreignCopyOf(wanted, (bob) => bob.pack([[wanted, bob.data('beside')]]));
    world.control.failing.set('cutFrame', trouble);
    await expect(world.read(restore, [wanted.id], [own.packId])).rejects.toMatchObject({ kind: trouble.kind });
    world.control.failing.clear();
    expect(await packsOf(restore, [wanted.id], [own.packId])).toEqual([foreign.packId]);
    await world.clock.advance(1);
    expect(world.control.incidents).toEqual([]);
  });

  it('is one that is too large to be cut: what else was asked for comes, and a new backup heals it', async () => {
    world = await World.create('too large');
    const { alice, bob, random } = world;
    const { session: theirs } = await world.backup(bob);
    const files = Array.from({ length: 1_024 }, (_, file) => bob.data(`file ${file}`));
    await world.upload(theirs, bob.pack([files]));
    const nodes = Array.from({ length: 80 }, () => bob.node(random.bytes(100_000), files));
    await world.upload(theirs, bob.pack([nodes]));
    const [wanted] = nodes as [TestChunk];
    const { session } = await world.backup(alice);
    const mine = alice.data('mine');
    await world.upload(session, alice.pack([[mine]]));
    expect(await world.has(session, [wanted])).toEqual([true]);
    const root = alice.node('root', [wanted, mine]);
    await world.upload(session, alice.pack([[root]]));
    expect(await world.commit(session, root.id)).toMatchObject({ kind: 'committed' });

    const restore = await world.restore(alice, root.id);
    await world.read(restore, [root.id]);
    const parts = await world.read(restore, [wanted.id, mine.id]);
    expect(parts.filter(({ kind }) => kind === 'damaged')).toMatchObject([{ chunkIds: wanted.id }]);
    expect(world.contents(parts)).toEqual(['mine']);
    expect(await world.has((await world.backup(alice)).session, [wanted])).toEqual([false]);
    // Its stored bytes are what came, so they prove nothing.
    await session.vault.suspectPacks.look();
    world.crash();
    const { session: later } = await world.backup(alice);
    await later.vault.suspectPacks.look();
    expect(await world.has(later, [wanted])).toEqual([false]);
  });

  it('keeps no other frame from being read where its pack carries a session key that does not open', async () => {
    world = await World.create('session key');
    const { alice, bob, random } = world;
    const elsewhere = await testDomain(world.vault.vaultId, random);
    const place = { vaultId: uuidToBytes(elsewhere.vaultId), domainId: uuidToBytes(elsewhere.id) };
    const { wrapped } = await createSessionKey(elsewhere.domain.publicKey, place, random);
    const wanted = alice.data('the real content');
    const { own, third, tree, restore } = await foreignCopyOf(wanted, (each) => each.pack([[wanted]], { wrapped }));
    const parts = await world.read(restore, [tree.id, wanted.id], [own.packId]);
    expect(parts.map((part) => part.kind === 'frame' && part.pack.id)).toEqual([expect.any(String), third.packId]);
    expect(world.contents(parts)).toEqual(['tree', 'the real content']);
    expect(await world.has((await world.backup(bob)).session, [wanted])).toEqual([false]);
    await world.clock.advance(1);
    expect(world.control.incidents).toMatchObject([{ agentId: bob.agentId, reason: 'FRAME_NOT_OPENED' }]);
  });
});
