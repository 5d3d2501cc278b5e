import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CacheRecord, NO_BYTES, NO_STAMP } from './change-cache-format.js';
import { openChangeCache } from './change-cache-reader.js';
import { ChangeCacheWriter } from './change-cache-writer.js';
import { entryPath, type ScannedEntry } from './file-entry.js';
import { type WalkEvent, walkFiles } from './walk.js';

let dir: string;
let source: string;
let cacheFile: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-unchanged-'));
  source = path.join(dir, 'source');
  cacheFile = path.join(dir, 'item.changes');
  fs.mkdirSync(source);
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

/** Late enough for every stamp to be settled. */
const now = () => Date.now() + 5_000;
const inSource = (...names: string[]) => path.join(source, ...names);
const write = (name: string, content = '') => {
  fs.mkdirSync(path.dirname(inSource(name)), { recursive: true });
  fs.writeFileSync(inSource(name), content);
};

/** What a backup keeps of an entry, and which directory's end it is. */
type Line = readonly [path: string, ...metadata: unknown[]];
interface Seen {
  readonly lines: Line[];
  readonly events: WalkEvent[];
}

/** What lies in each directory that was recorded as a whole, by its reference. */
class Recorded {
  readonly directories = new Map<string, Line[]>();

  reference(lines: Line[]): Buffer {
    const name = `whole-${this.directories.size}`;
    this.directories.set(name, lines);
    return Buffer.from(name);
  }
}

function lineOf(entry: ScannedEntry): Line {
  const { type, mode, uid, size, mtimeNs, stamp, linkTarget, hardLinkGroup, xattrs } = entry;
  const link = [linkTarget?.toString('latin1'), hardLinkGroup?.toString('latin1')];
  return [
    entryPath(entry).toString('latin1'),
    type,
    mode,
    uid,
    size,
    mtimeNs,
    stamp.ctimeNs,
    stamp.ino,
    xattrs,
    ...link,
  ];
}

/** Walks the source beside the cache, if there is one, and records what it sees as a backup does. */
async function walk(
  recorded: Recorded,
  usable: (reference: Buffer) => boolean = () => true,
  mostHeld?: number,
): Promise<Seen> {
  const opened = openChangeCache(cacheFile);
  const cursor = opened.status === 'valid' ? opened.cursor : undefined;
  const writer = new ChangeCacheWriter(cacheFile, Buffer.from('header'));
  const add = (kind: CacheRecord['kind'], { name, stamp }: ScannedEntry, reference = NO_BYTES) =>
    writer.add({ kind, name, stamp, reference });
  const datasource = { roots: [Buffer.from(source)], include: [], exclude: [], oneFileSystem: false };
  const known = cursor && { cursor, usable };
  const levels: { lines: Line[]; whole: boolean }[] = [];
  const events: WalkEvent[] = [];
  let lines: Line[] = [];
  for await (const batch of walkFiles(datasource, { never: [], now, known, ...(mostHeld && { mostHeld }) })) {
    for (const event of batch.events) {
      events.push(event);
      const level = levels.at(-1);
      if (event.kind === 'enterDirectory') {
        if (levels.length > 0) add('enter', event.entry);
        levels.push({ lines: [lineOf(event.entry)], whole: true });
      } else if (event.kind === 'entry' && level) {
        level.lines.push(lineOf(event.entry));
        if (event.entry.hardLinkGroup) level.whole = false;
        const isFile = event.entry.type === 'file';
        add(isFile ? 'file' : 'other', event.entry, isFile ? Buffer.from('content') : NO_BYTES);
      } else if (event.kind === 'unchangedDirectory' && level) {
        add('enter', event.entry);
        await writer.addRecords(event.cached.records);
        const inside = recorded.directories.get(event.cached.reference.toString());
        level.lines.push(lineOf(event.entry), ...(inside ?? []));
      } else if (event.kind === 'leaveDirectory' && level) {
        levels.pop();
        const above = levels.at(-1);
        lines = [...(above?.lines ?? []), ...level.lines];
        if (!above) continue;
        above.lines = lines;
        above.whole &&= level.whole;
        const reference = level.whole ? recorded.reference(level.lines.slice(1)) : NO_BYTES;
        writer.add({ kind: 'leave', name: NO_BYTES, stamp: NO_STAMP, reference });
      }
    }
    batch.done();
  }
  writer.commit();
  cursor?.close();
  return { lines, events };
}

/** Walks without a cache, and leaves it as it is. */
async function look(): Promise<Line[]> {
  const aside = `${cacheFile}.aside`;
  fs.renameSync(cacheFile, aside);
  const { lines } = await walk(new Recorded());
  fs.renameSync(aside, cacheFile);
  return lines;
}

const kindsOf = ({ events }: Seen) => events.map(({ kind }) => kind);
const toldAsUnchanged = ({ events }: Seen) =>
  events.flatMap((event) => (event.kind === 'unchangedDirectory' ? [entryPath(event.entry).toString()] : []));

describe.skipIf(process.platform !== 'linux')('a walk beside what the last one saw', () => {
  it('tells of a tree without a change in one event, and how much there is', async () => {
    write('a/1', 'one');
    write('a/b/2', 'two');
    fs.symlinkSync('a/1', inSource('link'));
    const recorded = new Recorded();
    await walk(recorded);
    const second = await walk(recorded);
    expect(toldAsUnchanged(second)).toEqual([source]);
    expect(kindsOf(second).filter((kind) => kind === 'entry')).toEqual([]);
    const counts = second.events.flatMap((event) => (event.kind === 'unchanged' ? [event] : []));
    const total = (of: 'entries' | 'files' | 'bytes') => counts.reduce((sum, event) => sum + event[of], 0);
    expect([total('entries'), total('files'), total('bytes')]).toEqual([5, 2, 6]);
    expect(second.lines).toEqual(await look());
  });

  it('tells entry by entry of the directories that lead to a change, and of no other', async () => {
    for (const name of ['a/1', 'a/b/2', 'a/b/3', 'a/c/4', 'd/5']) write(name, name);
    const recorded = new Recorded();
    await walk(recorded);
    fs.appendFileSync(inSource('a/b/2'), 'more');
    const second = await walk(recorded);
    expect(toldAsUnchanged(second)).toEqual([inSource('a/c'), inSource('d')]);
    const known = second.events.flatMap((event) =>
      event.kind === 'entry' ? [[event.entry.name.toString(), event.known?.toString()]] : [],
    );
    expect(known).toEqual([
      ['1', 'content'],
      ['2', undefined],
      ['3', 'content'],
    ]);
    expect(second.lines).toEqual(await look());
    expect(toldAsUnchanged(await walk(recorded))).toEqual([source]);
  });

  it('refers to the inside of a directory whose own metadata changed', async () => {
    write('a/b/1');
    const recorded = new Recorded();
    await walk(recorded);
    fs.chmodSync(inSource('a'), 0o700);
    const second = await walk(recorded);
    expect(toldAsUnchanged(second)).toEqual([inSource('a')]);
    expect(second.lines).toEqual(await look());
    expect(toldAsUnchanged(await walk(recorded))).toEqual([source]);
  });

  it('does not refer to a directory with a file of several names, whose first name may lie elsewhere', async () => {
    write('a/1');
    write('b/2');
    write('c/3');
    fs.linkSync(inSource('a/1'), inSource('b/linked'));
    const recorded = new Recorded();
    await walk(recorded);
    fs.renameSync(inSource('a'), inSource('z'));
    const second = await walk(recorded);
    expect(toldAsUnchanged(second)).toEqual([inSource('c')]);
    expect(second.lines).toEqual(await look());
  });

  it('does not refer to what is not usable', async () => {
    write('a/1');
    write('b/2');
    const recorded = new Recorded();
    await walk(recorded);
    const reference = [...recorded.directories].find(([, lines]) => lines[0]?.[0] === inSource('a/1'))?.[0];
    const second = await walk(recorded, (asked) => asked.toString() !== reference);
    expect(toldAsUnchanged(second)).toEqual([inSource('b')]);
  });

  it('goes on past the most that it keeps to itself, and leaves no descriptor open', async () => {
    write('a/1');
    for (let index = 0; index < 600; index++) fs.writeFileSync(inSource(`f${index}`), '');
    write('z/2');
    const before = fs.readdirSync('/proc/self/fd').length;
    const recorded = new Recorded();
    await walk(recorded);
    const second = await walk(recorded, undefined, 500);
    expect(toldAsUnchanged(second)).toEqual([inSource('a'), inSource('z')]);
    expect(second.lines.length).toBe(600 + 5 + source.split('/').length - 1);
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('sees what a walk without a cache sees, whatever happened in between', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'A', 'ab', 'a.b');
    const place = fc.array(name, { minLength: 1, maxLength: 4 });
    const change = fc.record({
      do: fc.constantFrom('write', 'write', 'write', 'remove', 'mode', 'link', 'hard', 'move', 'folder'),
      at: place,
      to: place,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { maxLength: 25 }), { minLength: 2, maxLength: 4 }),
        async (rounds) => {
          fs.rmSync(source, { recursive: true, force: true });
          fs.rmSync(cacheFile, { force: true });
          fs.mkdirSync(source);
          const recorded = new Recorded();
          for (const changes of rounds) {
            for (const { do: what, at, to } of changes) attempt(() => apply(what, inSource(...at), inSource(...to)));
            const { lines } = await walk(recorded);
            expect(lines).toEqual(await look());
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

function apply(what: string, at: string, to: string): void {
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.mkdirSync(path.dirname(to), { recursive: true });
  if (what === 'write') fs.appendFileSync(at, 'x');
  else if (what === 'remove') fs.rmSync(at, { recursive: true });
  else if (what === 'mode') fs.chmodSync(at, 0o701);
  else if (what === 'link') fs.symlinkSync('somewhere', at);
  else if (what === 'hard') fs.linkSync(at, to);
  else if (what === 'move') fs.renameSync(at, to);
  else fs.mkdirSync(at);
}

/** What the tree does not allow just now is left out. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {}
}
