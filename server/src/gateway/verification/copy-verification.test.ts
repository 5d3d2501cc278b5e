import { afterEach, describe, expect, it } from 'vitest';
import type { Session } from '../sessions/session.js';
import type { TestChunk, TestPack, Uploader } from '../testing/uploader.fixture.js';
import { World } from '../testing/world.fixture.js';

const MIB = 1024 * 1024;

let world: World;
afterEach(() => world.remove());

/** Chunks of 8 MiB that take next to no room, as their uploader names them; one frame each. */
async function largeOf(uploader: Uploader, count: number): Promise<{ chunks: TestChunk[]; pack: TestPack }> {
  const chunks = Array.from({ length: count }, (_, number) => uploader.data(Buffer.alloc(8 * MIB, number + 1)));
  const pack = uploader.pack(chunks.map((chunk) => [chunk]));
  await world.upload((await world.backup(uploader)).session, pack);
  return { chunks, pack };
}

const nameless = (chunk: TestChunk): TestChunk => ({
  ...chunk,
  content: Buffer.from(`not ${chunk.id.toString('hex')}`),
});

const isChecked = (session: Session, pack: TestPack) => session.vault.index.findPack(pack.packId)?.checked;

describe('a question about copies of others', () => {
  it('waits for the frames that it is about, not for the rest of a large pack', async () => {
    world = await World.create('pieces');
    const { chunks, pack } = await largeOf(world.alice, 10);
    const { session } = await world.backup(world.bob);
    const [wanted] = chunks.slice(-1) as [TestChunk];
    expect(await world.has(session, [wanted])).toEqual([true]);
    expect(world.control.verified).toHaveLength(1);
    const [first] = world.control.verified;
    expect(first?.packId).toBe(pack.packId);
    expect(first?.offsets).toHaveLength(4);
    expect(Math.max(...(first?.offsets ?? []))).toBe(
      16 + pack.frames.slice(0, -1).reduce((sum, each) => sum + each.length, 0),
    );

    expect(await world.has(session, chunks)).toEqual(chunks.map(() => true));
    const offsets = world.control.verified.flatMap((each) => each.offsets);
    expect([offsets.length, new Set(offsets).size]).toEqual([10, 10]);
    expect(isChecked(session, pack)).toBe(true);
  });

  it('is answered no after twenty seconds for what is not verified by then, and yes for the rest', async () => {
    world = await World.create('patience');
    const { alice, bob, carol } = world;
    const [slow, quick] = [alice.data('slow'), carol.data('quick')];
    const bomb = alice.pack([[slow]]);
    await world.upload((await world.backup(alice)).session, bomb);
    const other = carol.pack([[quick]]);
    await world.upload((await world.backup(carol)).session, other);
    const held = Promise.withResolvers<void>();
    world.control.beforeVerdict = async (packId) => (packId === bomb.packId ? held.promise : undefined);
    const { session } = await world.backup(bob);
    let answered = false;
    const asked = world.has(session, [slow, quick]).finally(() => {
      answered = true;
    });
    await expect.poll(() => isChecked(session, other)).toBe(true);
    await world.clock.advance(19_900);
    expect(answered).toBe(false);
    await world.clock.advance(200);
    expect(await asked).toEqual([false, true]);

    // Nobody waits for the same uploader again at once, and what control says in the end counts.
    expect(await world.has(session, [slow])).toEqual([false]);
    held.resolve();
    await expect.poll(() => isChecked(session, bomb)).toBe(true);
    expect(await world.has(session, [slow])).toEqual([true]);
  });

  it('waits for a slow uploader again after five minutes', async () => {
    world = await World.create('slow');
    const { alice, bob } = world;
    const [first, second] = [alice.data('first'), alice.data('second')];
    const { session: theirs } = await world.backup(alice);
    for (const chunk of [first, second]) await world.upload(theirs, alice.pack([[chunk]]));
    const { session } = await world.backup(bob);
    world.control.beforeVerdict = () => new Promise(() => undefined);
    const asked = world.has(session, [first]);
    await expect.poll(() => world.control.verified.length).toBe(1);
    await world.clock.advance(21_000);
    expect(await asked).toEqual([false]);
    world.control.beforeVerdict = async () => undefined;
    expect(await world.has(session, [second])).toEqual([false]);
    await world.clock.advance(300_000);
    expect(await world.has(session, [second])).toEqual([true]);
  });

  it('is not kept by packs that others have verified at the same time', async () => {
    world = await World.create('turns');
    const { alice, bob, carol } = world;
    const { chunks } = await largeOf(alice, 40);
    const wanted = carol.data('of carol');
    await world.upload((await world.backup(carol)).session, carol.pack([[wanted]]));
    const [{ session: greedy }, { session }] = [await world.backup(carol), await world.backup(bob)];
    const all = world.has(greedy, chunks);
    expect(await world.has(session, [wanted])).toEqual([true]);
    expect(world.control.verified.length).toBeLessThan(6);
    expect(await all).toEqual(chunks.map(() => true));
    expect(world.control.verified).toHaveLength(11);
  });
});

describe('a pack with a bad frame', () => {
  it('is given up: nothing more of it is verified, and one incident says so', async () => {
    world = await World.create('given up');
    const { alice, bob } = world;
    const { session: theirs } = await world.backup(alice);
    const lies = Array.from({ length: 600 }, (_, number) => alice.data(`guessed ${number}`));
    const honest = alice.data('beside');
    const pack = alice.pack([...lies.map((each) => [nameless(each)]), [honest]]);
    await world.upload(theirs, pack);
    const { session } = await world.backup(bob);
    expect(await world.has(session, lies.slice(0, 100))).toEqual(lies.slice(0, 100).map(() => false));
    expect(await world.has(session, [honest, ...lies])).toEqual([false, ...lies.map(() => false)]);
    expect(world.control.verified.map(({ offsets }) => offsets.length)).toEqual([256]);
    expect(isChecked(session, pack)).toBe(true);
    await world.clock.advance(1);
    expect(world.control.incidents).toMatchObject([
      { agentId: alice.agentId, kind: 'verifyCopy', reason: 'CONTENT_IS_NOT_ITS_ID', count: 1 },
    ]);
    // To whoever sent it, it is there as before.
    expect(await world.has(theirs, [honest])).toEqual([true]);
  });
});
