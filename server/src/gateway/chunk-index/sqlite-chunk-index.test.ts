import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom, uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { Codec, type PackFooter, PackKind } from '@holdfast/proto/vault';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChunkIndex, Copy, Pack, PackContent, SuspectPack } from './chunk-index.js';
import { BAD, SUSPECT, VERIFIED } from './copy-state.js';
import { EntriesFile } from './entries-file.js';
import { PageBudget } from './page-budget.js';
import { openSqliteChunkIndex } from './sqlite-chunk-index.js';
import { TableSegment } from './table-segment.js';

const random = seededRandom('chunk index');
const uuid = (): string => uuidFromBytes(random.bytes(16));
const vaultId = uuid();
const domainId = uuid();
const agentId = uuid();

let folder: string;
let path: string;
let index: ChunkIndex;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-index-'));
  path = join(folder, 'index.sqlite');
  index = openIndex(path);
});
afterEach(() => {
  vi.restoreAllMocks();
  index.close();
  rmSync(folder, { recursive: true });
});

function openIndex(place: string, vault = vaultId): ChunkIndex {
  return openSqliteChunkIndex(place, vault, { pages: new PageBudget(1_000_000) });
}

function reopen(): void {
  index.close();
  index = openIndex(path);
}

function session(): number {
  return index.recordSession({
    id: uuid(),
    agentId,
    jobId: uuid(),
    epoch: 1,
    kind: 'backup',
    itemId: uuid(),
    domainId,
    openedAtMs: 1,
  });
}

function arrive(number: number, kind = PackKind.PACK_KIND_DATA): { id: string; number: number } {
  const id = uuid();
  return { id, number: index.recordArrivingPack({ id, kind, domainId, uploaderId: agentId, session: number }) };
}

function footer(packId: string, frames: readonly (readonly Buffer[])[], edges?: readonly Buffer[]): PackFooter {
  let offset = 16;
  return {
    vaultId: uuidToBytes(vaultId),
    packId: uuidToBytes(packId),
    kind: edges ? PackKind.PACK_KIND_NODE : PackKind.PACK_KIND_DATA,
    domainId: uuidToBytes(domainId),
    sessionKey: { kemId: 32, encapsulated: random.bytes(32), ciphertext: random.bytes(48) },
    frames: frames.map((ids) => {
      const entry = {
        offset: BigInt(offset),
        storedLength: 100,
        codec: Codec.CODEC_RAW,
        plainLength: ids.length * 7,
        storedCheck: random.bytes(16),
        chunkIds: Buffer.concat(ids),
        chunkLengths: ids.map(() => 7),
        edges: edges ? ids.map((_, place) => edges[place] ?? Buffer.alloc(0)) : [],
      };
      offset += 100;
      return entry;
    }),
    uploaderId: uuidToBytes(agentId),
  };
}

function arrived(made: PackFooter): PackContent {
  return { footer: made, ownChecks: made.frames.map(() => random.bytes(16)) };
}

function store(frames: readonly (readonly Buffer[])[], edges?: readonly Buffer[]) {
  const pack = arrive(session(), edges ? PackKind.PACK_KIND_NODE : PackKind.PACK_KIND_DATA);
  const made = footer(pack.id, frames, edges);
  return { made, pack: index.recordStoredPack(pack.number, arrived(made), 1_000) };
}

describe('the chunk index', () => {
  it('finds every copy of a chunk by frame and place, also after it was closed and opened', () => {
    const ids = Array.from({ length: 5 }, () => random.bytes(32));
    const [a, b, c, d, e] = ids as [Buffer, Buffer, Buffer, Buffer, Buffer];
    const first = store([[a, b], [c]]);
    const second = store([[b, d]]);
    reopen();
    const found = index.lookup(Buffer.concat([...ids, random.bytes(32)]));
    expect(found.map((copies) => copies.map(({ pack }) => pack))).toEqual([
      [first.pack.number],
      [first.pack.number, second.pack.number],
      [first.pack.number],
      [second.pack.number],
      [],
      [],
    ]);
    for (const [place, copies] of found.entries())
      for (const copy of copies) expect(index.chunkIdOf(copy.number).equals(ids[place] as Buffer)).toBe(true);
    expect(index.frameOf(found[3]?.[0]?.number as number)).toMatchObject({ pack: second.pack.number, offset: 16 });
    expect(index.footerOf(index.packByNumber(first.pack.number))).toEqual(first.made);
    expect(e).toBeDefined();
  });

  it('tells of sixteen copies of a chunk and no more, those of most worth and of equals the oldest', () => {
    const id = random.bytes(32);
    const copies = Array.from({ length: 40 }, () => store([[id]]).pack.firstCopy);
    const told = (worth?: (copy: Copy) => number) => index.lookup(id, worth)[0]?.map(({ number }) => number);
    expect(told()).toEqual(copies.slice(0, 16));
    expect(told(() => 0)).toEqual([]);
    expect(told(({ number }) => (number === copies[30] || number === copies[39] ? 1 : 0))).toEqual([
      copies[30],
      copies[39],
    ]);
    expect(told(({ number }) => (number > (copies[34] as number) ? 2 : 1))).toEqual([
      ...copies.slice(0, 11),
      ...copies.slice(35),
    ]);
  });

  it('gives nodes their edges back', () => {
    const edges = [random.bytes(64), Buffer.alloc(0)];
    const { made, pack } = store([[random.bytes(32), random.bytes(32)]], edges);
    expect(index.edgesOf(pack.firstCopy)).toEqual(edges[0]);
    expect(index.edgesOf(pack.firstCopy + 1)).toHaveLength(0);
    expect(index.footerOf(pack)).toEqual(made);
  });

  it('numbers copies densely and never twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), {
          minLength: 1,
          maxLength: 4,
        }),
        (packs) => {
          let next = store([[random.bytes(32)]]).pack.firstCopy + 1;
          for (const frames of packs) {
            const { pack } = store(frames.map((count) => Array.from({ length: count }, () => random.bytes(32))));
            expect(pack.firstCopy).toBe(next);
            next += pack.copies;
            expect(index.framesOf(pack).map(({ chunkIds }) => chunkIds.length / 32)).toEqual(frames);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('changes the state of one copy and of no other copy of the same chunk', () => {
    const chunk = random.bytes(32);
    const [one, two] = [store([[chunk]]).pack, store([[chunk]]).pack];
    index.changeState([one.firstCopy], { set: VERIFIED });
    index.changeState([two.firstCopy], { set: BAD | VERIFIED });
    index.changeState([two.firstCopy], { clear: VERIFIED });
    expect(index.lookup(chunk)[0]?.map(({ state }) => state)).toEqual([VERIFIED, BAD]);
  });

  it('tells everybody of stored bytes that changed, and of chunks that are not what they say only who uploaded them', () => {
    const stranger = uuid();
    const told = () => [agentId, stranger].map((agent) => index.damageKnownTo(agent).toString('hex'));
    const { pack } = store([[random.bytes(32)], [random.bytes(32)], [random.bytes(32)]]);
    const before = told();
    index.changeState([pack.firstCopy], { set: VERIFIED });
    expect(told()).toEqual(before);
    index.changeState([pack.firstCopy], { set: SUSPECT });
    const after = told();
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
    // Found again, it is nothing new.
    index.changeState([pack.firstCopy], { set: SUSPECT });
    expect(told()).toEqual(after);
    index.changeState([pack.firstCopy + 1], { set: BAD });
    expect(told()[0]).not.toBe(after[0]);
    expect(told()[1]).toBe(after[1]);
    const last = told();
    reopen();
    expect(told()).toEqual(last);
    // Others may have relied on what was verified.
    index.changeState([pack.firstCopy + 2], { set: VERIFIED });
    index.changeState([pack.firstCopy + 2], { set: BAD, clear: VERIFIED });
    expect(told()[1]).not.toBe(last[1]);
  });

  it('remembers packs with suspect copies until the last of them was found sound', () => {
    const [one, two, three] = [[1, 2], [1], [1]].map((frames) => store(frames.map(() => [random.bytes(32)])).pack) as [
      Pack,
      Pack,
      Pack,
    ];
    index.changeState([one.firstCopy, one.firstCopy + 1, three.firstCopy], { set: SUSPECT });
    index.changeState([two.firstCopy], { set: VERIFIED });
    reopen();
    const numbers = (after = 0, limit = 9) => index.suspectPacks(after, limit).map(({ pack }) => pack.number);
    expect(numbers()).toEqual([one.number, three.number]);
    expect([numbers(0, 1), numbers(one.number)]).toEqual([[one.number], [three.number]]);
    expect(index.suspectPack(two.number)).toBeUndefined();

    const found = index.suspectPack(one.number) as SuspectPack;
    expect(index.clearSuspect(found, [one.firstCopy])).toBe(true);
    expect(numbers()).toEqual([one.number, three.number]);
    expect(index.clearSuspect(found, [one.firstCopy + 1])).toBe(true);
    reopen();
    expect(numbers()).toEqual([three.number]);
    expect([index.currentState(one.firstCopy), index.currentState(one.firstCopy + 1)]).toEqual([0, 0]);
  });

  it('clears nothing in a pack of which something was found damaged since it was looked at', () => {
    const { pack } = store([[random.bytes(32)], [random.bytes(32)]]);
    index.changeState([pack.firstCopy], { set: SUSPECT | VERIFIED });
    const found = index.suspectPack(pack.number) as SuspectPack;
    index.changeState([pack.firstCopy], { set: SUSPECT });
    expect(index.clearSuspect(found, [pack.firstCopy])).toBe(false);
    expect(index.currentState(pack.firstCopy)).toBe(SUSPECT | VERIFIED);
    const again = index.suspectPack(pack.number) as SuspectPack;
    expect(index.clearSuspect(again, [pack.firstCopy])).toBe(true);
    expect(index.currentState(pack.firstCopy)).toBe(VERIFIED);
    index.changeState([pack.firstCopy], { set: SUSPECT });
    expect(index.clearSuspect(again, [pack.firstCopy])).toBe(false);
  });

  it('takes nothing for changed where the change could not be written', () => {
    const { pack } = store([[random.bytes(32)]]);
    index.changeState([pack.firstCopy], { set: SUSPECT });
    const suspect = index.suspectPack(pack.number) as SuspectPack;
    const copies = [pack.firstCopy, Number.POSITIVE_INFINITY];
    expect(() => index.changeState(copies, { set: VERIFIED })).toThrow();
    expect(() => index.clearSuspect(suspect, copies)).toThrow();
    expect(index.currentState(pack.firstCopy)).toBe(SUSPECT);
    expect(index.suspectPack(pack.number)).toEqual(suspect);
  });

  it('remembers which copies an agent doubts, and begins anew with too many', () => {
    const { pack } = store([Array.from({ length: 3 }, () => random.bytes(32))]);
    const stranger = uuid();
    index.doubt(agentId, [pack.firstCopy, pack.firstCopy + 2]);
    index.doubt(agentId, [pack.firstCopy]);
    reopen();
    expect([...index.doubtsOf(agentId)]).toEqual([pack.firstCopy, pack.firstCopy + 2]);
    expect(index.doubtsOf(stranger).size).toBe(0);
    index.doubt(stranger, [pack.firstCopy]);
    for (let from = 0; from < 30_000; from += 1_000)
      index.doubt(
        agentId,
        Array.from({ length: 1_000 }, (_, place) => 1_000_000 + from + place),
      );
    expect(index.doubtsOf(agentId).size).toBeLessThanOrEqual(20_000);
    expect(index.doubtsOf(agentId)).toContain(1_029_999);
    expect(index.doubtsOf(stranger).size).toBe(1);
  });

  it('records a stored pack whole or not at all', () => {
    const pack = arrive(session());
    const broken = footer(pack.id, [[random.bytes(32)], [random.bytes(32)]]);
    const chunk = random.bytes(32);
    (broken.frames[0] as { chunkIds: Buffer }).chunkIds = chunk;
    (broken.frames[1] as { storedCheck: unknown }).storedCheck = undefined;
    expect(() => index.recordStoredPack(pack.number, arrived(broken), 1)).toThrow();
    expect(index.lookup(chunk)[0]).toEqual([]);
    expect(index.findPack(pack.id)).toMatchObject({ state: 'arriving', copies: 0 });
  });

  it('does not use the number of a forgotten pack again', () => {
    const number = session();
    const first = arrive(number);
    index.forgetArrivingPack(first.number);
    expect(arrive(number).number).toBeGreaterThan(first.number);
  });

  it('keeps one point for a job and root, and its state only goes on', () => {
    const point = { id: uuid(), jobId: uuid(), root: random.bytes(32), signed: Buffer.from('signed') };
    expect(index.savePoint(point)).toEqual({ ...point, state: 'prepared' });
    expect(index.savePoint({ ...point, id: uuid() }).id).toBe(point.id);
    index.setPointState(point.id, 'recorded');
    index.setPointState(point.id, 'stored');
    reopen();
    expect(index.findPoint(point.jobId, point.root)?.state).toBe('recorded');
  });

  it('is new only as long as nothing was recorded', () => {
    expect(index.isNew()).toBe(true);
    session();
    reopen();
    expect(index.isNew()).toBe(false);
  });

  it('finds everything by id also when the file that is derived for that was lost', () => {
    const ids = Array.from({ length: 9 }, () => random.bytes(32));
    const packs = ids.map((id) => store([[id]]).pack);
    index.changeState([packs[3]?.firstCopy as number], { set: VERIFIED });
    index.close();
    rmSync(join(folder, 'index.entries'));
    index = openIndex(path);
    expect(index.lookup(Buffer.concat(ids))).toEqual(
      packs.map(({ firstCopy, number }, place) => [
        { number: firstCopy, pack: number, state: place === 3 ? VERIFIED : 0 },
      ]),
    );
  });

  it('records nothing of a pack while its disk takes no more entries, and all of it later', () => {
    const [first, second, third] = [random.bytes(32), random.bytes(32), random.bytes(32)];
    const known = store([[first]]).pack;
    const arriving = arrive(session());
    const made = footer(arriving.id, [[second], [first]]);
    for (const [code, reason] of [
      ['ENOSPC', 'INDEX_DISK_FULL'],
      ['EIO', 'INDEX_IO_ERROR'],
    ]) {
      vi.spyOn(EntriesFile.prototype, 'write').mockImplementation(() => {
        throw Object.assign(new Error(code), { code });
      });
      expect(() => index.recordStoredPack(arriving.number, arrived(made), 1)).toThrowError(
        expect.objectContaining({ kind: 'Unavailable', code: reason }),
      );
      vi.restoreAllMocks();
      expect(index.findPack(arriving.id)).toMatchObject({ state: 'arriving', copies: 0 });
      expect(index.lookup(second)).toEqual([[]]);
    }
    const stored = index.recordStoredPack(arriving.number, arrived(made), 1);
    const last = store([[third]]).pack;
    for (const again of [false, true]) {
      if (again) reopen();
      const found = index.lookup(Buffer.concat([first, second, third]));
      expect(found.map((copies) => copies.map(({ pack }) => pack))).toEqual([
        [known.number, stored.number],
        [stored.number],
        [last.number],
      ]);
    }
  });

  it('answers nothing and reads nothing once it is closed', () => {
    const chunk = random.bytes(32);
    store([[chunk]]);
    index.close();
    rmSync(join(folder, 'index.entries'));
    expect(() => index.lookup(chunk)).toThrow();
    expect(() => index.readEntries()).toThrow();
    index.close();
    expect(existsSync(join(folder, 'index.entries'))).toBe(false);
    index = openIndex(path);
    expect(index.lookup(chunk)[0]).toHaveLength(1);
  });

  it('lets go of its file also where the disk refuses what was written when that of the entries is closed', () => {
    const chunk = random.bytes(32);
    store([[chunk]]);
    const { close } = EntriesFile.prototype;
    vi.spyOn(EntriesFile.prototype, 'close').mockImplementationOnce(function (this: EntriesFile) {
      close.call(this);
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    reopen();
    expect(index.lookup(chunk)[0]).toHaveLength(1);
  });

  it('knows a pack that was recorded when memory ran out, and records others', () => {
    const arriving = arrive(session());
    expect(index.packByNumber(arriving.number).state).toBe('arriving');
    const ids = Array.from({ length: 4_000 }, () => random.bytes(32));
    vi.spyOn(TableSegment.prototype, 'halves').mockImplementationOnce(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    expect(() => index.recordStoredPack(arriving.number, arrived(footer(arriving.id, [ids])), 1)).toThrowError(
      RangeError,
    );
    expect(index.packByNumber(arriving.number)).toMatchObject({ state: 'stored', copies: 4_000 });
    store([[random.bytes(32)]]);
    expect(index.lookup(Buffer.concat(ids)).every((copies) => copies.length === 1)).toBe(true);
  });

  it('refuses a pack for whose copies there are no numbers left', () => {
    const known = random.bytes(32);
    store([[known]]);
    index.close();
    const db = new Database(path);
    db.prepare("UPDATE meta SET value = ? WHERE key = 'next_copy'").run(2 ** 32 - 2);
    db.close();
    index = openIndex(path);
    const arriving = arrive(session());
    const made = footer(arriving.id, [[random.bytes(32), random.bytes(32)]]);
    expect(() => index.recordStoredPack(arriving.number, arrived(made), 1)).toThrowError(
      expect.objectContaining({ kind: 'IllegalState', code: 'INDEX_FULL' }),
    );
    expect(index.findPack(arriving.id)).toMatchObject({ state: 'arriving' });
    expect(index.lookup(known)[0]).toHaveLength(1);
  });

  it('keeps what was changed in the state of many copies, over pages of them', () => {
    const { pack } = store([Array.from({ length: 8_192 }, () => random.bytes(32))]);
    const chosen = [0, 3_999, 4_000, 8_191].map((place) => pack.firstCopy + place);
    index.changeState(chosen, { set: VERIFIED | BAD });
    index.changeState(chosen.slice(1), { clear: BAD });
    reopen();
    expect(chosen.map((copy) => index.currentState(copy))).toEqual([VERIFIED | BAD, VERIFIED, VERIFIED, VERIFIED]);
    expect(index.currentState(pack.firstCopy + 1)).toBe(0);
  });

  it('refuses the file of another vault, and one that another version of the server wrote', () => {
    index.close();
    expect(() => openIndex(path, uuid())).toThrowError(expect.objectContaining({ code: 'INDEX_OF_ANOTHER_VAULT' }));
    const db = new Database(path);
    const version = db.pragma('user_version', { simple: true });
    db.pragma('user_version = 99');
    db.close();
    expect(() => openIndex(path)).toThrowError(
      expect.objectContaining({ kind: 'IllegalState', code: 'INDEX_TOO_NEW' }),
    );
    const older = new Database(path);
    older.pragma('user_version = 1');
    older.close();
    expect(() => openIndex(path)).toThrowError(expect.objectContaining({ code: 'INDEX_TOO_OLD' }));
    const back = new Database(path);
    back.pragma(`user_version = ${version as number}`);
    back.close();
    index = openIndex(path);
  });

  it('says in words what is wrong with its file', () => {
    const damaged = join(folder, 'damaged.sqlite');
    writeFileSync(damaged, Buffer.alloc(8_192, 'no database'));
    expect(() => openIndex(damaged)).toThrowError(
      expect.objectContaining({ kind: 'Integrity', code: 'INDEX_DAMAGED' }),
    );
    expect(() => openIndex(folder)).toThrowError(
      expect.objectContaining({ kind: 'Unavailable', code: 'INDEX_CANNOT_BE_OPENED' }),
    );
    const taken = openIndex(join(folder, 'taken.sqlite'));
    for (const put of [
      (at: string) => mkdirSync(at),
      (at: string) => symlinkSync(at, at),
      (at: string) => execFileSync('mkfifo', [at]),
    ]) {
      put(join(folder, 'taken.entries'));
      expect(() => taken.readEntries()).toThrowError(
        expect.objectContaining({ kind: 'Unavailable', code: 'INDEX_CANNOT_BE_OPENED' }),
      );
      rmSync(join(folder, 'taken.entries'), { recursive: true });
    }
    taken.readEntries();
    taken.close();
    expect(() => index.recordStoredPack(99, arrived(footer(uuid(), [[random.bytes(32)]])), 1)).toThrowError(
      expect.objectContaining({ code: 'PACK_NOT_ARRIVING' }),
    );
  });
});
