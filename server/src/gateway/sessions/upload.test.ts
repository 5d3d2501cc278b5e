import { packName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { afterEach, describe, expect, it } from 'vitest';
import { GATEWAY_LIMITS } from '../limits.js';
import { Place } from '../place.js';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import type { TestPack, Uploader } from '../testing/uploader.fixture.js';
import { World } from '../testing/world.fixture.js';
import type { Session } from './session.js';
import { Upload } from './upload.js';

const TURN_MS = GATEWAY_LIMITS.uploads.turnMs;
const PATIENCE_MS = 10_000;

let world: World;
let store: FaultyStore;
afterEach(() => world.remove());

async function open(seed: string): Promise<Session> {
  world = await World.create(seed, { uploads: { ...GATEWAY_LIMITS.uploads, places: 1 } });
  store = new FaultyStore(world.store);
  world.visibleStore = store;
  return (await world.backup(world.alice)).session;
}

function guestOf({ vault, agentId }: Pick<Session, 'vault' | 'agentId'>) {
  return { group: vault.vaultId, key: agentId };
}

function placeOf(session: Session): Place {
  return new Place(guestOf(session), 0, () => undefined);
}

function twoFrames(agent: Uploader): TestPack & { readonly frames: readonly [Buffer, Buffer] } {
  const pack = agent.pack([[agent.data(world.random.bytes(500))], [agent.data(world.random.bytes(500))]]);
  return { ...pack, frames: pack.frames as [Buffer, Buffer] };
}

async function start(session: Session, { packId, kind }: TestPack, place: Place, again = false): Promise<Upload> {
  return (await Upload.start(world.core, session, { packId, kind, again }, place)) as Upload;
}

/** The first frame has come; the store is at the second when the place is taken. */
async function giveWayWhileStoreHangs(session: Session, pack: ReturnType<typeof twoFrames>) {
  const place = placeOf(session);
  const upload = await start(session, pack, place);
  await upload.piece(pack.frames[0], true);
  const hang = Promise.withResolvers<void>();
  store.beforeWrite = () => hang.promise;
  const piece = upload.piece(pack.frames[1], true).catch((error: unknown) => error);
  place.take();
  const failure = await piece;
  expect(failure).toMatchObject({ code: 'PLACE_GIVEN_UP' });
  await upload.fail(failure);
  store.beforeWrite = () => undefined;
  return { moveOn: hang.resolve, breakOff: hang.reject };
}

async function whetherSettled(work: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  work.then(settle, settle);
  await new Promise((resolve) => setImmediate(resolve));
  return isSettled;
}

async function isStored({ packId }: TestPack): Promise<boolean> {
  return (await world.store.stat(packName(uuidToBytes(packId)))) !== undefined;
}

describe('an upload whose place is taken while its store is at a piece', () => {
  it('goes on behind that piece once it is written', async () => {
    const session = await open('behind');
    const pack = twoFrames(world.alice);
    const { moveOn } = await giveWayWhileStoreHangs(session, pack);
    const next = start(session, pack, placeOf(session), true);
    expect(await whetherSettled(next)).toBe(false);
    moveOn();
    const upload = await next;
    expect(upload.received).toBe(pack.frames[0].length + pack.frames[1].length);
    upload.footerPiece(pack.tail.footerBytes);
    expect(await upload.finish()).toBeGreaterThan(upload.received);
    expect(await isStored(pack)).toBe(true);
  });

  it('is told to come again where that takes long, and has lost nothing then', async () => {
    const session = await open('comes again');
    const pack = twoFrames(world.alice);
    const { moveOn } = await giveWayWhileStoreHangs(session, pack);
    const next = start(session, pack, placeOf(session), true);
    const told = expect(next).rejects.toMatchObject({ kind: 'Timeout', code: 'STORE_TIMEOUT' });
    await world.clock.advance(PATIENCE_MS);
    await told;
    expect(world.clock.waiting).toBe(0);
    moveOn();
    const upload = await start(session, pack, placeOf(session), true);
    expect(upload.received).toBe(pack.frames[0].length + pack.frames[1].length);
  });

  it('waits no longer than it has a place itself', async () => {
    const session = await open('another place');
    const pack = twoFrames(world.alice);
    await giveWayWhileStoreHangs(session, pack);
    const place = placeOf(session);
    const next = start(session, pack, place, true);
    place.take();
    await expect(next).rejects.toMatchObject({ code: 'PLACE_GIVEN_UP' });
  });

  it('begins anew where that piece was not written after all', async () => {
    const session = await open('not written');
    const pack = twoFrames(world.alice);
    const { breakOff } = await giveWayWhileStoreHangs(session, pack);
    const next = start(session, pack, placeOf(session), true);
    breakOff(new Error('the disk fails'));
    expect((await next).received).toBe(0);
  });
});

describe('an upload of which all has come', () => {
  it('keeps its place while it is stored, whoever waits for how long', async () => {
    const session = await open('keeps');
    const pack = twoFrames(world.alice);
    const { uploads } = world.core;
    const place = await uploads.enter(guestOf(session), session.signal);
    const upload = await start(session, pack, place);
    for (const frame of pack.frames) await upload.piece(frame, true);
    const hang = Promise.withResolvers<void>();
    store.beforeCommit = () => hang.promise;
    upload.footerPiece(pack.tail.footerBytes);
    const finished = upload.finish();
    const waiting = uploads.enter({ group: session.vault.vaultId, key: world.bob.agentId }, session.signal);
    for (let ms = 0; ms < 3 * TURN_MS; ms += 1_000) await world.clock.advance(1_000);
    expect(place.signal.aborted).toBe(false);
    hang.resolve();
    expect(await finished).toBeGreaterThan(0);
    place.leave();
    (await waiting).leave();
  });

  it('gives its place up before that', async () => {
    const session = await open('gives up');
    const pack = twoFrames(world.alice);
    const { uploads } = world.core;
    const place = await uploads.enter(guestOf(session), session.signal);
    const upload = await start(session, pack, place);
    for (const frame of pack.frames) await upload.piece(frame, true);
    const waiting = uploads.enter({ group: session.vault.vaultId, key: world.bob.agentId }, session.signal);
    for (let ms = 0; ms < 3 * TURN_MS; ms += 1_000) await world.clock.advance(1_000);
    expect(place.signal.aborted).toBe(true);
    place.leave();
    (await waiting).leave();
  });
});

describe('a store that is full', () => {
  it.each([
    ['when an upload begins', 'beforeOpen'],
    ['at its header', 'beforeWrite'],
    ['at a piece', 'beforeWrite'],
    ['when all has come', 'beforeCommit'],
  ] as const)('%s has what was paused in its vault given up by the time that this is told', async (when, moment) => {
    const session = await open('full');
    const [one, other] = [twoFrames(world.alice), twoFrames(world.alice)];
    const place = placeOf(session);
    const paused = await start(session, one, place);
    await paused.piece(one.frames[0], true);
    place.take();
    await paused.fail(place.signal.reason);
    expect(session.vault.index.packIds('arriving')).toEqual([one.packId]);
    const fill = (): void => {
      store[moment] = () => {
        throw new HoldfastError({ kind: 'Unavailable', code: 'STORE_FULL', message: 'It is full.' });
      };
    };
    if (when !== 'at a piece') fill();
    const stored = start(session, other, placeOf(session)).then(async (upload) => {
      fill();
      try {
        for (const frame of other.frames) await upload.piece(frame, true);
        upload.footerPiece(other.tail.footerBytes);
        return await upload.finish();
      } catch (error) {
        await upload.fail(error);
        throw error;
      }
    });
    await expect(stored).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(session.vault.index.packIds('arriving')).toEqual([]);
    expect(session.uploads.size).toBe(0);
  });
});
