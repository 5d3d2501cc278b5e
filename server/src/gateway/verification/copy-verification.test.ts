import { packName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Pack } from '../chunk-index/chunk-index.js';
import { CONTENT_GOOD, VERIFIED } from '../chunk-index/copy-state.js';
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

describe('a question about many packs of many frames', () => {
  it('lets others have their turn between the packs, whose frames it reads once and not for each question to control', async () => {
    world = await World.create('many packs');
    const { alice, bob, clock } = world;
    const { session: theirs } = await world.backup(alice);
    const chunks = Array.from({ length: 24 }, (_, number) => alice.data(`file ${number}`));
    for (const chunk of chunks) await world.upload(theirs, alice.pack([[chunk]]));
    const { session } = await world.backup(bob);
    const { index } = session.vault;
    // As if there were so many frames that to read them took ten milliseconds.
    let now = 0;
    let [inOneTurn, most] = [0, 0];
    vi.spyOn(clock, 'monotonic').mockImplementation(() => now);
    const { framesOf } = index;
    const read = vi.spyOn(index, 'framesOf').mockImplementation((pack) => {
      now += 10;
      inOneTurn += 1;
      most = Math.max(most, inOneTurn);
      return framesOf.call(index, pack);
    });
    let isOver = false;
    const others = (): void => {
      inOneTurn = 0;
      if (!isOver) setImmediate(others);
    };
    others();
    expect(await world.has(session, chunks)).toEqual(chunks.map(() => true));
    isOver = true;
    expect(most).toBeLessThan(8);
    // Once for the question, once to ask control, and once with its verdict.
    expect(read.mock.calls.length).toBe(3 * chunks.length);
  });
});

/** Both workers are busy with packs that alice uploaded and carol asked for. */
async function busyWorkers() {
  const { alice, bob, carol } = world;
  const wanted = bob.data('of bob');
  const waiting = bob.pack([[wanted]]);
  await world.upload((await world.backup(bob)).session, waiting);
  const slow = ['first', 'second'].map((each) => alice.data(each));
  const { session: theirs } = await world.backup(alice);
  for (const chunk of slow) await world.upload(theirs, alice.pack([[chunk]]));
  const held = Promise.withResolvers<void>();
  world.control.beforeVerdict = async (packId) => (packId === waiting.packId ? undefined : held.promise);
  const others = world.has((await world.backup(carol)).session, slow);
  await expect.poll(() => world.control.verified.length).toBe(2);
  const release = async () => {
    held.resolve();
    await others;
  };
  return { wanted, waiting, slow, release };
}

describe('a question that waits in the queue', () => {
  it('leaves it at once when its caller has gone', async () => {
    world = await World.create('caller gone');
    const { wanted, release } = await busyWorkers();
    const { session } = await world.backup(world.carol);
    const gone = new AbortController();
    const asked = world.has(session, [wanted], gone.signal);
    await new Promise((resolve) => setTimeout(resolve, 20));
    gone.abort(new Error('gone'));
    await expect(asked).rejects.toThrow('gone');
    expect(session.isBusy).toBe(false);
    await release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(world.control.verified).toHaveLength(2);
  });

  it('leaves it when its time is up, and blames the queue and not who uploaded what it asked for', async () => {
    world = await World.create('queue slow');
    const { wanted, slow, release } = await busyWorkers();
    const { alice } = world;
    const { session } = await world.backup(alice);
    const asked = world.has(session, [wanted]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await world.clock.advance(21_000);
    expect(await asked).toEqual([false]);
    await release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(world.control.verified).toHaveLength(2);
    // Who waited in vain does not wait again at once; anybody else does, for the same uploader.
    expect(await world.has(session, [wanted])).toEqual([false]);
    expect(await world.has((await world.backup(world.carol)).session, [wanted, ...slow])).toEqual([true, true, true]);
  });

  it('is asked again a minute later, when the queue was slow', async () => {
    world = await World.create('a minute');
    const { wanted, release } = await busyWorkers();
    const { session } = await world.backup(world.alice);
    const asked = world.has(session, [wanted]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await world.clock.advance(21_000);
    expect(await asked).toEqual([false]);
    await release();
    await world.clock.advance(60_000);
    expect(await world.has(session, [wanted])).toEqual([true]);
  });
});

/** Lets the background verifier work for so long. */
async function runBackground(ms: number): Promise<void> {
  const stop = new AbortController();
  const running = world.core.verifier.run(stop.signal);
  for (let passed = 0; passed < ms; passed += 1_000) {
    await world.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  stop.abort();
  await world.clock.advance(1);
  await running;
}

const askedOf = (pack: TestPack) => world.control.verified.filter(({ packId }) => packId === pack.packId).length;

/** Committed packs of one file each, of alice, in a domain that bob backs up to as well. */
async function committedPacks(contents: readonly string[]) {
  const { alice, bob } = world;
  const { session } = await world.backup(alice);
  const chunks = contents.map((content) => alice.data(content));
  const packs = chunks.map((chunk) => alice.pack([[chunk]]));
  for (const pack of packs) await world.upload(session, pack);
  const root = alice.node('root', chunks);
  const nodes = alice.pack([[root]]);
  await world.upload(session, nodes);
  await world.commit(session, root.id);
  const { session: theirs } = await world.backup(bob);
  return { session: theirs, chunks, packs: [...packs, nodes] as TestPack[] };
}

describe('an answer of control that stored data contradict themselves', () => {
  it('is a verdict: told once, and not asked for again, also not by the next process', async () => {
    world = await World.create('contradiction');
    const { session, chunks, packs } = await committedPacks(['odd', 'even']);
    const [odd] = packs as [TestPack];
    world.control.beforeVerdict = async (packId) => {
      if (packId === odd.packId)
        throw new HoldfastError({ kind: 'Integrity', code: 'MALFORMED_FRAME', message: 'It contradicts itself.' });
    };
    await runBackground(600_000);
    expect(packs.map((pack) => isChecked(session, pack))).toEqual([true, true, true]);
    expect(packs.map(askedOf)).toEqual([1, 1, 1]);
    expect(await world.has(session, chunks)).toEqual([false, true]);
    world.crash();
    await runBackground(60_000);
    const { session: later } = await world.backup(world.bob);
    expect(await world.has(later, chunks)).toEqual([false, true]);
    expect(askedOf(odd)).toBe(1);
    expect(world.logged.filter(({ msg }) => msg === 'verification.control_cannot_tell')).toMatchObject([
      { packId: odd.packId, agentId: world.alice.agentId, code: 'MALFORMED_FRAME' },
    ]);
    expect(world.control.incidents).toEqual([]);
    // To whoever sent it, it is there as before.
    expect(await world.has((await world.backup(world.alice)).session, chunks)).toEqual([true, true]);
  });
});

describe('frames on which control has no verdict', () => {
  it('do not count as checked: control is asked three times, some minutes apart, and again by the next process', async () => {
    world = await World.create('silent');
    const { session, chunks, packs } = await committedPacks(['silent', 'told']);
    const [silent] = packs as [TestPack];
    world.control.silentOn.add(silent.packId);
    await runBackground(60_000);
    expect(askedOf(silent)).toBe(1);
    expect(packs.map((pack) => isChecked(session, pack))).toEqual([false, true, true]);
    await runBackground(1_200_000);
    expect(askedOf(silent)).toBe(3);
    expect(await world.has(session, chunks)).toEqual([false, true]);
    expect([askedOf(silent), isChecked(session, silent)]).toEqual([3, false]);
    world.control.silentOn.clear();
    world.crash();
    const { session: later } = await world.backup(world.bob);
    await runBackground(10_000);
    expect([askedOf(silent), isChecked(later, silent)]).toEqual([4, true]);
    expect(await world.has(later, chunks)).toEqual([true, true]);
  });

  it('have none either where control names some of their chunks and not all', async () => {
    world = await World.create('half named');
    const { alice } = world;
    const { session: theirs } = await world.backup(alice);
    const [named, unnamed] = ['named', 'unnamed'].map((content) => alice.data(content)) as [TestChunk, TestChunk];
    const pack = alice.pack([[named, unnamed]]);
    await world.upload(theirs, pack);
    const { session } = await world.backup(world.bob);
    const answer = vi.spyOn(world.control, 'verifyFrames');
    answer.mockResolvedValueOnce({ good: named.id, bad: Buffer.alloc(0) });
    expect(await world.has(session, [named, unnamed])).toEqual([false, false]);
    expect(isChecked(session, pack)).toBe(false);
    expect(await world.has(session, [named, unnamed])).toEqual([true, true]);
  });

  it('because they are damaged are asked about once their stored bytes are what came', async () => {
    world = await World.create('damaged');
    const { session, chunks, packs } = await committedPacks(['damaged', 'sound']);
    const [damaged] = packs as [TestPack];
    for (const time of [1, 2, 3, 4]) {
      await world.damage(damaged.packId);
      await runBackground(400_000);
      expect([askedOf(damaged), isChecked(session, damaged)]).toEqual([time, false]);
      expect(await world.has(session, chunks)).toEqual([false, true]);
      await world.damage(damaged.packId);
      await session.vault.suspectPacks.look();
    }
    await runBackground(60_000);
    expect([askedOf(damaged), isChecked(session, damaged)]).toEqual([5, true]);
    expect(await world.has(session, chunks)).toEqual([true, true]);
  });

  it('because their packs are gone are passed over, each looked at once, however many there are', async () => {
    world = await World.create('many gone');
    const { session, packs } = await committedPacks(Array.from({ length: 80 }, (_, number) => `file ${number}`));
    for (const { packId } of packs.slice(0, -1)) await world.store.delete(packName(uuidToBytes(packId)));
    const { index, missingPacks, verification } = session.vault;
    await missingPacks.look();
    const asked = vi.spyOn(index, 'uncheckedPacks');
    const read = vi.spyOn(index, 'framesOf');
    expect((await verification.nextUnchecked())?.id).toBe(packs.at(-1)?.packId);
    expect(asked.mock.results.reduce((sum, { value }) => sum + (value as Pack[]).length, 0)).toBe(packs.length);
    read.mockClear();
    expect((await verification.nextUnchecked())?.id).toBe(packs.at(-1)?.packId);
    expect(read).toHaveBeenCalledOnce();
  });

  it('keep nothing else from being verified when control fails on them', async () => {
    world = await World.create('failing');
    const { session, packs } = await committedPacks(['failing', 'other']);
    const [failing] = packs as [TestPack];
    world.control.beforeVerdict = async (packId) => {
      if (packId === failing.packId)
        throw new HoldfastError({ kind: 'Timeout', code: 'SLOW', message: 'It takes too long.' });
    };
    await runBackground(200_000);
    expect(packs.map((pack) => isChecked(session, pack))).toEqual([false, true, true]);
    world.control.beforeVerdict = async () => undefined;
    await runBackground(400_000);
    expect(isChecked(session, failing)).toBe(true);
  });
});

describe('a second look', () => {
  it('is at all frames of a pack, whether control has a verdict on the first of them or not', async () => {
    world = await World.create('second look');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const pack = alice.pack(Array.from({ length: 300 }, (_, number) => [alice.data(`file ${number}`)]));
    await world.upload(session, pack);
    let asked = 0;
    world.control.beforeVerdict = async () => {
      asked += 1;
      if (asked === 1) throw new HoldfastError({ kind: 'NotFound', code: 'PACK_UNKNOWN', message: 'Not there.' });
    };
    const { index, verification } = session.vault;
    const found = index.findPack(pack.packId) as Pack;
    await verification.lookAgain(found);
    expect(world.control.verified.map(({ offsets }) => offsets.length)).toEqual([256, 44]);
    expect([index.currentState(found.firstCopy), index.currentState(found.firstCopy + 299)]).toEqual([
      0,
      CONTENT_GOOD | VERIFIED,
    ]);
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
