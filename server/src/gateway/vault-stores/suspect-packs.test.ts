import { createCipheriv, createHash } from 'node:crypto';
import { descriptorName, encodePackHeader, frameCheck, PACK_HEADER_BYTES, packName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { afterEach, describe, expect, it } from 'vitest';
import { product, toBits, toBlock } from '../../../../core/src/engine/frames/ghash.fixture.js';
import { SUSPECT } from '../chunk-index/copy-state.js';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import type { TestChunk, TestPack } from '../testing/uploader.fixture.js';
import { World } from '../testing/world.fixture.js';

let world: World;
afterEach(() => world.remove());

function fileOf({ kind, frames, tail }: TestPack): Buffer {
  return Buffer.concat([encodePackHeader(kind), ...frames, tail.bytes]);
}

/** Three files in a frame each of one pack, under a point of alice; verified for bob. */
async function stored(name: string, contents = ['one', 'two', 'three']) {
  // Whoever polls opens a session each time.
  world = await World.create(name, { maxSessionsPerAgent: 100, openSessions: { burst: 1_000, perSecond: 1 } });
  const { alice, bob } = world;
  const { session } = await world.backup(alice);
  const files = contents.map((content) => alice.data(content));
  const pack = alice.pack(files.map((file) => [file]));
  await world.upload(session, pack);
  const root = alice.node('root', files);
  await world.upload(session, alice.pack([[root]]));
  await world.commit(session, root.id);
  expect(await world.has((await world.backup(bob)).session, files)).toEqual([true, true, true]);
  const object = packName(uuidToBytes(pack.packId));
  const bytes = await world.store.get(object);
  const read = async (chunk: TestChunk | undefined) => {
    const restore = await world.restore(alice, root.id);
    await world.read(restore, [root.id]);
    return world.read(restore, [chunk?.id as Buffer]);
  };
  return {
    files,
    read,
    takeAway: () => world.store.delete(object),
    another: fileOf(
      alice.pack(
        [...files, alice.data('four')].map((file) => [file]),
        { packId: pack.packId },
      ),
    ),
    firstFrame: bytes.subarray(PACK_HEADER_BYTES, PACK_HEADER_BYTES + (pack.frames[0]?.length ?? 0)),
    putBack: (changed = bytes) => world.store.put(object, changed),
    bytes,
  };
}

const exist = async (files: readonly TestChunk[], agent = world.bob) =>
  world.has((await world.backup(agent)).session, files);

const vault = async () => (await world.backup(world.alice)).session.vault;

/** What was told of suspect packs, since it was last asked for. */
const told = () =>
  world.logged
    .splice(0)
    .filter(({ msg }) => String(msg).startsWith('vault.packs_'))
    .map(({ msg, damaged, missing, unread }) => ({ msg, ...(damaged !== undefined && { damaged, missing, unread }) }));

const soundAgain = { msg: 'vault.packs_sound_again' };

const BLOCK_BYTES = 16;
const padded = (text: string): string => text.padEnd(3 * BLOCK_BYTES);

function bitFlipped(bytes: Buffer, place: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[place] = (changed[place] ?? 0) ^ 1;
  return changed;
}

/** Other bytes with the same check in the frame's entry: what one block adds to it the next one takes away. */
function forged(frame: Buffer): Buffer {
  const key = createHash('sha256').update('holdfast frame check v1').digest();
  const h = toBits(createCipheriv('aes-256-ecb', key, null).update(Buffer.alloc(BLOCK_BYTES)));
  const changed = Buffer.from(frame);
  for (const [at, change] of [1n, product(1n, h)].entries()) {
    const block = changed.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES);
    block.set(toBlock(toBits(block) ^ change));
  }
  return changed;
}

describe('a pack that the store had lost and has again', () => {
  it('does not count again with a frame that was made to fit the check in its entry', async () => {
    const { files, takeAway, putBack, bytes, firstFrame } = await stored('forged', ['one', 'two', 'three'].map(padded));
    const { missingPacks, suspectPacks } = await vault();
    await takeAway();
    await missingPacks.look();
    const frame = forged(firstFrame);
    expect(frame.equals(firstFrame)).toBe(false);
    expect(frameCheck(frame)).toEqual(frameCheck(firstFrame));
    const changed = Buffer.from(bytes);
    changed.set(frame, PACK_HEADER_BYTES);
    await putBack(changed);
    await suspectPacks.look();
    expect(await exist(files)).toEqual([false, true, true]);
  });

  it('counts again, as verified as before, once a reader met it and its bytes were all read', async () => {
    const { files, read, takeAway, putBack } = await stored('met');
    await takeAway();
    expect(await read(files[0])).toMatchObject([{ kind: 'damaged' }]);
    await expect.poll(() => exist(files)).toEqual([false, false, false]);
    await putBack();
    expect(world.contents(await read(files[2]))).toEqual(['three']);
    await expect.poll(() => exist(files)).toEqual([true, true, true]);
    expect((await vault()).index.suspectPacks(0, 9)).toEqual([]);
    expect(told()).toEqual([{ msg: 'vault.packs_missing' }, soundAgain]);

    // Whatever was lost and found once may be so again.
    await takeAway();
    await read(files[0]);
    await expect.poll(() => exist(files)).toEqual([false, false, false]);
    await putBack();
    await read(files[0]);
    await expect.poll(() => exist(files)).toEqual([true, true, true]);
  });

  it('is told of as missing even where readers met every frame of it before it was looked for', async () => {
    const { files, read, takeAway } = await stored('all-met');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    world.crash();
    const { missingPacks } = await vault();
    told();
    const { promise: allMet, resolve: letGo } = Promise.withResolvers<void>();
    store.beforeList = () => allMet;
    await takeAway();
    for (const file of files) expect(await read(file)).toMatchObject([{ kind: 'damaged' }]);
    expect(told()).toEqual([]);
    letGo();
    await missingPacks.look();
    expect(told()).toEqual([{ msg: 'vault.packs_missing' }]);
    await missingPacks.look();
    expect(told()).toEqual([]);
  });

  it('counts again after a look, and not before it is there', async () => {
    const { files, takeAway, putBack } = await stored('looked');
    const { missingPacks, suspectPacks } = await vault();
    await takeAway();
    await missingPacks.look();
    await suspectPacks.look();
    expect(await exist(files)).toEqual([false, false, false]);
    await suspectPacks.look();
    const missing = { msg: 'vault.packs_suspect', damaged: 0, missing: 1, unread: 0 };
    expect(told()).toEqual([{ msg: 'vault.packs_missing' }, missing, missing]);
    await putBack();
    await Promise.all([suspectPacks.look(), suspectPacks.look()]);
    expect(await exist(files)).toEqual([true, true, true]);
    expect(told()).toEqual([soundAgain]);
  });

  it('counts again after a start', async () => {
    const { files, takeAway, putBack } = await stored('started');
    await takeAway();
    world.crash();
    expect(await exist(files)).toEqual([false, false, false]);
    world.crash();
    await expect
      .poll(async () => (await vault()) && told())
      .toContainEqual({
        msg: 'vault.packs_suspect',
        damaged: 0,
        missing: 1,
        unread: 0,
      });
    await putBack();
    world.crash();
    await expect.poll(() => exist(files)).toEqual([true, true, true]);
    world.crash();
    expect(await exist(files)).toEqual([true, true, true]);
  });

  it('stays suspect as far as it is damaged, and is told of at each look and start', async () => {
    const { files, read, takeAway, putBack, bytes } = await stored('damaged');
    const { missingPacks, suspectPacks } = await vault();
    await takeAway();
    await missingPacks.look();
    await putBack(bitFlipped(bytes, 20));
    told();
    await suspectPacks.look();
    await suspectPacks.look();
    expect(await exist(files)).toEqual([false, true, true]);
    const damaged = { msg: 'vault.packs_suspect', damaged: 1, missing: 0, unread: 0 };
    expect(told()).toEqual([damaged, damaged]);
    expect(await read(files[0])).toMatchObject([{ kind: 'damaged' }]);
    world.crash();
    expect(await exist(files)).toEqual([false, true, true]);
    await expect.poll(told).toEqual([damaged]);
    await putBack();
    await (await vault()).suspectPacks.look();
    expect(await exist(files)).toEqual([true, true, true]);
  });

  it.each([
    ['its footer is damaged', (bytes: Buffer) => bitFlipped(bytes, bytes.length - 60)],
    ['its header is damaged', (bytes: Buffer) => bitFlipped(bytes, 0)],
    ['something is missing at its end', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['another one with the same frames is in its place', (_bytes: Buffer, another: Buffer) => another],
  ])('does not count where %s, and readers that meet it have it looked at no more than once', async (name, change) => {
    const { files, read, takeAway, putBack, bytes, another } = await stored(name);
    const { missingPacks, suspectPacks } = await vault();
    await takeAway();
    await missingPacks.look();
    await putBack(change(bytes, another));
    await suspectPacks.look();
    expect(await exist(files)).toEqual([false, false, false]);
    told();
    for (let time = 0; time < 3; time += 1) expect(world.contents(await read(files[1]))).toEqual(['two']);
    await suspectPacks.look();
    const damaged = { msg: 'vault.packs_suspect', damaged: 1, missing: 0, unread: 0 };
    expect(told()).toEqual([damaged, damaged]);
  });

  it('does not count when something of it was found damaged while it was read', async () => {
    const { files, takeAway, putBack } = await stored('meanwhile');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    world.crash();
    const { index, missingPacks, suspectPacks } = await vault();
    await takeAway();
    await missingPacks.look();
    await putBack();
    const first = index.suspectPacks(0, 1)[0]?.pack.firstCopy ?? 0;
    let reads = 0;
    store.beforeGet = () => {
      reads += 1;
      // The header, trailer and footer, then the frames.
      if (reads === 5) index.changeState([first], { set: SUSPECT });
    };
    await suspectPacks.look();
    expect(reads).toBe(6);
    expect(await exist(files)).toEqual([false, false, false]);
    await suspectPacks.look();
    expect(await exist(files)).toEqual([true, true, true]);
  });

  it('counts although something in it was found damaged before it was its turn to be read', async () => {
    const { files, takeAway, putBack } = await stored('before its turn');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const later = alice.data('later');
    await world.upload(session, alice.pack([[later]]));
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    world.crash();
    const { index, missingPacks, suspectPacks } = await vault();
    await takeAway();
    await missingPacks.look();
    await putBack();
    const [copy] = index.lookup(later.id)[0] ?? [];
    const mark = () => index.changeState([copy?.number ?? 0], { set: SUSPECT });
    mark();
    store.beforeGet = () => {
      store.beforeGet = () => undefined;
      mark();
    };
    await suspectPacks.look();
    expect(await exist([...files, later], alice)).toEqual([true, true, true, true]);
    expect(told()).toEqual([{ msg: 'vault.packs_missing' }, soundAgain]);
  });

  it('is suspect still where the process died while it was read, and counts after the next start', async () => {
    const { files, takeAway, putBack } = await stored('killed');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    world.crash();
    const { missingPacks, suspectPacks } = await vault();
    await takeAway();
    await missingPacks.look();
    await putBack();
    let reads = 0;
    store.beforeGet = () => {
      reads += 1;
      if (reads === 6) world.crash();
      if (reads >= 6) throw new HoldfastError({ kind: 'Unavailable', code: 'AWAY', message: 'Away.' });
    };
    await suspectPacks.look();
    expect(reads).toBe(6);
    expect((await vault()).index.suspectPacks(0, 9)).toHaveLength(1);
    expect(await exist(files)).toEqual([false, false, false]);
    store.beforeGet = () => undefined;
    world.crash();
    await expect.poll(() => exist(files)).toEqual([true, true, true]);
  });
});

describe('a pack that the gateway may not read', () => {
  const denied = new HoldfastError({ kind: 'Unavailable', code: 'STORE_DENIED', message: 'It was put back by root.' });

  it('keeps no other from counting again, and is told of', async () => {
    const { files, takeAway, putBack } = await stored('denied');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const later = alice.data('later');
    const other = alice.pack([[later]]);
    await world.upload(session, other);
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    world.crash();
    const { missingPacks, suspectPacks } = await vault();
    const bytes = await world.store.get(packName(uuidToBytes(other.packId)));
    await takeAway();
    await world.store.delete(packName(uuidToBytes(other.packId)));
    await missingPacks.look();
    await putBack();
    await world.store.put(packName(uuidToBytes(other.packId)), bytes);
    let reads = 0;
    store.beforeGet = (name) => {
      reads += 1;
      if (name !== packName(uuidToBytes(other.packId))) throw denied;
    };
    await suspectPacks.look();
    expect(await exist([...files, later], alice)).toEqual([false, false, false, true]);
    expect(told()).toEqual([
      { msg: 'vault.packs_missing' },
      soundAgain,
      { msg: 'vault.packs_suspect', damaged: 0, missing: 0, unread: 1 },
    ]);

    // A store that does not even hold the vault is asked for nothing more.
    reads = 0;
    store.beforeGet = () => {
      reads += 1;
      throw denied;
    };
    await world.store.delete(descriptorName(1n));
    await suspectPacks.look();
    expect(reads).toBe(1);
    expect(told()).toEqual([]);
  });
});

describe('a store that is away', () => {
  it('has lost nothing where it comes back before anybody knows that it was away', async () => {
    const { files, read } = await stored('back at once');
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    world.crash();
    const { index, missingPacks } = await vault();
    store.beforeGet = (name) => {
      if (!name.startsWith('pack/')) return;
      store.beforeGet = () => undefined;
      throw new HoldfastError({ kind: 'NotFound', code: 'OBJECT_NOT_FOUND', message: 'It is not there yet.' });
    };
    expect(world.contents(await read(files[0]))).toEqual(['one']);
    // Whoever asked for names first asks again, too.
    store.hidden = () => {
      store.hidden = () => false;
      return true;
    };
    store.list = () => world.store.list('nothing/');
    await missingPacks.look();
    expect(index.suspectPacks(0, 9)).toEqual([]);
    expect(await exist(files)).toEqual([true, true, true]);
  });

  it('has no frame marked by who reads meanwhile: the read ends, and another try goes on', async () => {
    const { files, read } = await stored('away');
    const objects = new Map<string, Buffer>();
    for await (const { name } of world.store.list('')) objects.set(name, await world.store.get(name));
    const restore = await world.restore(world.alice, world.alice.node('root', files).id);
    await world.read(restore, [world.alice.node('root', files).id]);
    for (const name of objects.keys()) await world.store.delete(name);
    await expect(world.read(restore, [files[0]?.id as Buffer])).rejects.toMatchObject({
      kind: 'Unavailable',
      code: 'STORE_EMPTY',
    });
    for (const [name, bytes] of objects) await world.store.put(name, bytes);
    expect((await vault()).index.suspectPacks(0, 9)).toEqual([]);
    expect(await exist(files)).toEqual([true, true, true]);
    expect(world.contents(await read(files[0]))).toEqual(['one']);
  });
});
