import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '@holdfast/core/errors';
import { systemRandom as random } from '@holdfast/core/ids';
import { watchMoments } from '@holdfast/core/moments';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { idKey, splitIds } from './ids.js';
import { asDamage } from './restore/chunk-reader.js';
import { BackupBench, describeFolder } from './testing/backup-bench.js';
import { fillSample } from './testing/sample-tree.js';

const KIB = 1024;
const MIB = 1024 * KIB;

let bench: BackupBench;
let target: string;

beforeEach(async () => {
  bench = await BackupBench.create();
  target = join(bench.folder, 'target');
  mkdirSync(bench.source);
});
afterEach(() => bench.remove());

const inSource = (...names: string[]) => join(bench.source, ...names);
const inTarget = (...names: string[]) => join(target, ...names);

/** What the test knows to be there. */
function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}

const fill = (files?: number): void => fillSample(bench.source, files);

/** The change time cannot be set, so wait until it is older than the clock's tick. */
const untilStampsSettle = () => sleep(60);

describe('a full backup', () => {
  it('restores to what it was', async () => {
    fill();
    const { outcome, run } = await bench.backup();
    expect(outcome).toMatchObject({ kind: 'backup', type: 'FULL', basePointId: undefined, typeReason: '' });
    expect(run.notices.total).toBe(0);
    expect(run.counters).toMatchObject({ files: 45, warnings: 0 });
    expect(run.counters.bytesRead).toBeGreaterThan(3 * MIB);
    expect(run.counters.bytesStored).toBe(run.counters.bytesSent);

    const restored = await bench.restore(target);
    expect(restored.outcome).toEqual({ kind: 'restore', notRestorable: 0, damaged: 0 });
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
    expect(bench.gateway.openSessions).toBe(0);
  });

  it('of the same data again reads everything and sends nothing', async () => {
    fill();
    const first = await bench.backup();
    const again = await bench.backup();
    expect(again.run.counters.bytesRead).toBe(first.run.counters.bytesRead);
    expect(again.run.counters).toMatchObject({ bytesChanged: 0, bytesSent: 0 });
    expect(bench.gateway.points[1]?.rootNode.equals(bench.gateway.points[0]?.rootNode as Buffer)).toBe(true);
  });

  it('shows no plaintext in what it sends', async () => {
    mkdirSync(inSource('a-rather-telling-name'));
    writeFileSync(inSource('a-rather-telling-name', 'secret-file-name'), 'an unmistakable sentence in a file');
    await bench.backup();
    const sent = Buffer.concat(bench.gateway.packs.flatMap(({ frames }) => frames)).toString('latin1');
    for (const text of ['a-rather-telling-name', 'secret-file-name', 'unmistakable sentence'])
      expect(sent).not.toContain(text);
  });

  it('keeps a directory of many entries in several nodes', async () => {
    for (let index = 0; index < 1_100; index++) writeFileSync(inSource(`entry-${index}`), String(index));
    await bench.backup();
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });
});

describe('an incremental backup', () => {
  it('reads the bytes of changed files alone', async () => {
    fill();
    await untilStampsSettle();
    await bench.backup();
    writeFileSync(inSource('a/small-3'), random.bytes(5_000));
    rmSync(inSource('a/small-4'));
    renameSync(inSource('a/small-5'), inSource('a/moved'));
    const { outcome, run } = await bench.backup({ type: 'INCREMENTAL' });
    expect(outcome).toMatchObject({
      type: 'INCREMENTAL',
      basePointId: bench.gateway.points[0]?.pointId,
      typeReason: '',
    });
    expect(bench.opened.sort()).toEqual(['moved', 'small-3']);
    expect(run.counters.bytesRead).toBe(5_000 + 200 + 5 * 37);
    expect(run.counters.bytesChanged).toBe(5_000);
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('asks about directories that did not change as a whole', async () => {
    fill();
    for (let folder = 0; folder < 20; folder++) {
      mkdirSync(inSource(`c/${folder}/d`), { recursive: true });
      for (let file = 0; file < 20; file++) writeFileSync(inSource(`c/${folder}/d/${file}`), `${folder} ${file}`);
    }
    await untilStampsSettle();
    const first = await bench.backup();
    const asked: number[] = [];
    bench.gateway.faults.beforeQuestion = (claims) => void asked.push(claims);
    const total = () => asked.splice(0).reduce((sum, claims) => sum + claims, 0);
    for (const change of [() => undefined, () => writeFileSync(inSource('c/7/d/7'), 'changed')]) {
      change();
      const { run } = await bench.backup({ type: 'INCREMENTAL' });
      const { entries, files } = run.counters;
      expect({ entries, files }).toEqual({
        entries: first.run.counters.entries,
        files: first.run.counters.files,
      });
      // What lies beside names of several links is asked about one by one: some 50.
      expect(total()).toBeLessThan(130);
    }
    expect(bench.opened.sort()).toContain('7');
    const { run } = await bench.backup({ type: 'INCREMENTAL' });
    expect(run.counters.bytesTotal).toBe(first.run.counters.bytesTotal + 4);
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('reads everything once the vault has found damage, and sends it again', async () => {
    fill(10);
    await untilStampsSettle();
    const first = await bench.backup();
    bench.gateway.damageSeen = Buffer.of(1);
    const second = await bench.backup({ type: 'INCREMENTAL' });
    expect(second.outcome.typeReason).toContain('damaged');
    expect(second.run.counters.bytesRead).toBe(first.run.counters.bytesRead);
    const third = await bench.backup({ type: 'INCREMENTAL' });
    expect(third.outcome.typeReason).toBe('');
    expect(third.run.counters.bytesRead).toBe(0);
  });

  it('becomes FULL without a base, and reads everything without a cache, and says so', async () => {
    fill(5);
    const first = await bench.backup({ type: 'INCREMENTAL' });
    expect(first.outcome).toMatchObject({
      type: 'FULL',
      typeReason: expect.stringContaining('no earlier recovery point') as string,
    });
    rmSync(bench.cacheFolder, { recursive: true });
    const second = await bench.backup({ type: 'INCREMENTAL' });
    expect(second.outcome).toMatchObject({
      type: 'INCREMENTAL',
      basePointId: first.outcome.pointId,
      typeReason: expect.stringContaining('Everything was read') as string,
    });
    expect(second.run.counters.bytesRead).toBe(first.run.counters.bytesRead);
    const third = await bench.backup({ type: 'INCREMENTAL', cacheGeneration: 2n });
    expect(third.outcome.typeReason).toContain('void');
  });

  it('compares a DIFFERENTIAL with the last full point, not with the last', async () => {
    fill(5);
    await untilStampsSettle();
    const full = await bench.backup();
    writeFileSync(inSource('a/small-1'), 'one');
    await untilStampsSettle();
    await bench.backup({ type: 'INCREMENTAL' });
    writeFileSync(inSource('a/small-2'), 'two');
    const { outcome } = await bench.backup({ type: 'DIFFERENTIAL' });
    expect(outcome).toMatchObject({ type: 'DIFFERENTIAL', basePointId: full.outcome.pointId });
    // small-1 has a second name, which changed with it, and is read once.
    expect(bench.opened.sort()).toEqual(['small-1', 'small-2']);
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('reads everything once a further session tells of damage that the first one did not know of', async () => {
    for (const folder of ['large', 'small']) mkdirSync(inSource(folder));
    for (let index = 0; index < 10; index++) writeFileSync(inSource(`large/${index}`), random.bytes(20 * KIB));
    writeFileSync(inSource('small/only'), random.bytes(KIB));
    await sleep(60);
    await bench.backup();
    const { copies } = bench.gateway;
    const isData = (id: Buffer): boolean => there(copies.get(idKey(id))?.[0]).pack.kind === 'DATA';
    // The directory with one file.
    const small = [...copies.keys()]
      .map((key) => Buffer.from(key, 'latin1'))
      .filter((id) => splitIds(bench.gateway.edgesOf(id)).length === 1 && isData(bench.gateway.edgesOf(id)));
    expect(small).toHaveLength(1);
    writeFileSync(inSource('new'), 'new');
    bench.gateway.faults.beforeCommit = () => {
      if (bench.gateway.damageSeen.length > 0) return;
      bench.gateway.damageSeen = Buffer.of(1);
      bench.gateway.lose(small);
    };
    const { run } = await bench.backup({ type: 'INCREMENTAL' });
    // Twice: also what the first walk had read.
    expect(run.counters.bytesRead).toBe(run.counters.bytesTotal + 3);
    // What the cache says then was seen under the new damage.
    const next = await bench.backup({ type: 'INCREMENTAL' });
    expect(next.run.counters.bytesRead).toBeLessThanOrEqual(3);
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('reads again what the vault has lost since', async () => {
    fill(10);
    await untilStampsSettle();
    await bench.backup();
    const large = bench.gateway.packs
      .filter(({ kind }) => kind === 'DATA')
      .flatMap(({ footer }) => footer.frames.map(({ chunkIds }) => Buffer.from(chunkIds.subarray(0, 32))));
    bench.gateway.lose(large);
    await bench.backup({ type: 'INCREMENTAL' });
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });
});

describe('a backup that is disturbed', () => {
  it('commits nothing when it is cancelled, and leaves the caches as they were', async () => {
    fill();
    await untilStampsSettle();
    await bench.backup();
    writeFileSync(inSource('b/large'), random.bytes(4 * MIB));
    const run = bench.newRun();
    bench.gateway.faults.beforeUpload = () => run.stop('cancelled');
    await expect(bench.backup({ type: 'INCREMENTAL' }, run)).rejects.toMatchObject({ kind: 'Cancelled' });
    expect(bench.gateway.points).toHaveLength(1);
    expect(bench.gateway.openSessions).toBe(0);
    delete bench.gateway.faults.beforeUpload;
    const { outcome } = await bench.backup({ type: 'INCREMENTAL' });
    expect(outcome.typeReason).toBe('');
    expect(bench.opened).toEqual(['large']);
  });

  it('ends with what the gateway says, and lets go of everything', async () => {
    fill();
    const failure = new HoldfastError({ kind: 'Unavailable', code: 'STORE_FULL', message: 'The store is full.' });
    bench.gateway.faults.beforeUpload = () => {
      throw failure;
    };
    await expect(bench.backup()).rejects.toBe(failure);
    expect(bench.gateway.openSessions).toBe(0);
    expect(readdirSync(join(bench.cacheFolder, readdirSync(bench.cacheFolder)[0] as string))).toEqual([]);
  });

  it('claims everything anew when the gateway has forgotten the session', async () => {
    fill();
    let uploads = 0;
    bench.gateway.faults.beforeUpload = () => {
      if (uploads++ === 0) bench.gateway.restarts += 1;
    };
    await bench.backup();
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('claims everything anew, and reads nothing again, when the gateway forgets the session over the commit', async () => {
    fill();
    let restarts = 0;
    const stop = watchMoments((moment) => {
      if (moment === 'agent.all-sent' && restarts++ < 2) bench.gateway.restarts += 1;
    });
    await bench.backup();
    stop();
    expect(restarts).toBe(3);
    expect(bench.opened.toSorted()).toEqual([...new Set(bench.opened)].toSorted());
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('sends again what the vault misses at the commit', async () => {
    fill();
    let first = true;
    bench.gateway.faults.beforeCommit = () => {
      if (first)
        bench.gateway.lose(
          there(bench.gateway.packs[0]).footer.frames.map(({ chunkIds }) => Buffer.from(chunkIds.subarray(0, 32))),
        );
      first = false;
    };
    const { run } = await bench.backup();
    expect(run.counters.files).toBe(45);
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it.each(['DATA', 'NODE'] as const)(
    'gets by without the %s chunks that the vault lost, also where files change meanwhile',
    async (kind) => {
      for (const folder of ['a', 'a/b', 'a/b/c']) {
        mkdirSync(inSource(folder));
        for (let index = 0; index < 5; index++) writeFileSync(inSource(`${folder}/${index}`), random.bytes(40 * KIB));
      }
      await sleep(60);
      await bench.backup();
      const lost = bench.gateway.packs.filter((pack) => pack.kind === kind);
      bench.gateway.lose(lost.flatMap(({ footer }) => footer.frames.flatMap(({ chunkIds }) => splitIds(chunkIds))));
      // One new node at least is in the vault before the walk is at its end, and refers to what is lost.
      writeFileSync(inSource('a/new'), 'new');
      let questions = 0;
      bench.gateway.faults.beforeQuestion = () => {
        if (questions++ === 0) rmSync(inSource('a/b/c/3'));
      };
      await bench.backup({ type: 'INCREMENTAL' });
      await bench.restore(target);
      expect(describeFolder(target)).toEqual(describeFolder(bench.source));
    },
  );

  it('fails when the vault goes on missing chunks', async () => {
    fill(3);
    bench.gateway.faults.beforeCommit = () =>
      bench.gateway.lose([...bench.gateway.copies.keys()].map((key) => Buffer.from(key, 'latin1')));
    await expect(bench.backup()).rejects.toMatchObject({ kind: 'Unavailable', code: 'CHUNKS_STILL_MISSING' });
    expect(bench.gateway.points).toEqual([]);
  });

  it('says how its roots were when it began, also when it fails', async () => {
    fill(3);
    const gone = Buffer.from(join(bench.folder, 'gone'));
    const files = (...roots: Buffer[]) => ({ roots, include: [], exclude: [], oneFileSystem: false });
    const { run } = await bench.backup({ files: files(Buffer.from(bench.source), gone) });
    expect(run.rootTroubles).toEqual([{ path: gone, kind: 'VANISHED', message: 'no such file or directory (ENOENT)' }]);
    const failing = bench.newRun();
    await expect(bench.backup({ files: files(gone) }, failing)).rejects.toMatchObject({ code: 'NO_ROOT_READABLE' });
    expect(failing.rootTroubles).toHaveLength(1);
    expect((await bench.backup()).run.rootTroubles).toEqual([]);
  });

  it('refuses a datasource that names no usable root', async () => {
    const files = { roots: [Buffer.from('relative')], include: [], exclude: [], oneFileSystem: false };
    await expect(bench.backup({ files })).rejects.toMatchObject({ kind: 'Validation', code: 'DATASOURCE_INVALID' });
  });
});

describe('a restore', () => {
  it.each(['FAIL', 'OVERWRITE'] as const)('of a selection finds out under %s what it comes to', async (onConflict) => {
    for (const folder of ['wanted', 'not']) mkdirSync(inSource(folder));
    writeFileSync(inSource('wanted/small'), 'five!');
    writeFileSync(inSource('wanted/large'), random.bytes(700 * KIB));
    writeFileSync(inSource('not/this'), random.bytes(100 * KIB));
    await bench.backup();
    mkdirSync(target);
    const over = { onConflict, select: [Buffer.from(inSource('wanted'))] };
    const { run } = await bench.restore(target, over);
    expect(run.progress()).toMatchObject({ expectedBytes: 700 * KIB + 5, expectedEntries: 3 });
    expect(run.counters).toMatchObject({ bytesTotal: 700 * KIB + 5, bytesWritten: 700 * KIB + 5, entries: 3 });
  });

  it('names what a folder with something in it kept from its place under OVERWRITE, and restores the rest', async () => {
    for (const name of ['one', 'two']) writeFileSync(inSource(name), name);
    await bench.backup();
    mkdirSync(inTarget('one/precious'), { recursive: true });
    const { run, outcome } = await bench.restore(target, { onConflict: 'OVERWRITE' });
    expect(outcome.kind).toBe('restore');
    expect(run.counters).toMatchObject({ warnings: 1, entriesSkipped: 1 });
    expect(run.notices.kept).toMatchObject([{ kind: 'SKIPPED', path: Buffer.from(inTarget('one')) }]);
    expect(readdirSync(inTarget('one'))).toEqual(['precious']);
    expect(readFileSync(inTarget('two'), 'utf8')).toBe('two');
  });

  it('names damaged files, leaves them absent and restores the rest', async () => {
    fill();
    await bench.backup();
    const large = there(bench.gateway.packs.find(({ kind }) => kind === 'DATA'));
    const lone = there(large.footer.frames.find(({ chunkLengths }) => chunkLengths.length === 1));
    bench.gateway.damage(Buffer.from(lone.chunkIds));
    const run = bench.newRun();
    await expect(bench.restore(target, {}, undefined, run)).rejects.toMatchObject({
      kind: 'Integrity',
      details: { damaged: '1' },
    });
    const [notice] = run.notices.kept;
    expect(notice?.kind).toBe('DAMAGED');
    // As it is called in the point: on the host there is nothing.
    const damagedName = there(notice)
      .path.toString()
      .slice(bench.source.length + 1);
    expect(existsSync(inTarget(damagedName))).toBe(false);
    const expected = describeFolder(bench.source);
    const actual = describeFolder(target);
    expect(expected).toHaveProperty([damagedName]);
    delete expected[damagedName];
    expect(actual).toEqual(expected);
    // The target itself is no entry.
    expect(run.counters.entries).toBe(Object.keys(actual).length - 1);
    expect(run.counters.files).toBeLessThan(run.counters.entries);
  });

  it('takes another copy when one is damaged', async () => {
    writeFileSync(inSource('file'), random.bytes(700 * KIB));
    await bench.backup();
    const [first] = bench.gateway.packs;
    const ids = there(first).footer.frames.flatMap(({ chunkIds }) => splitIds(Buffer.from(chunkIds)));
    const known = ids.map((id) => there(bench.gateway.copies.get(idKey(id))));
    bench.gateway.lose(ids);
    await bench.backup();
    for (const [index, id] of ids.entries()) {
      bench.gateway.copies.set(idKey(id), [...there(known[index]), ...there(bench.gateway.copies.get(idKey(id)))]);
    }
    for (const id of ids) bench.gateway.damage(id, 0);
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('names a damaged directory for all that lay in it', async () => {
    for (const folder of ['good', 'lost']) mkdirSync(inSource(folder));
    // So much that the directory's node fills a frame of its own.
    for (let index = 0; index < 200; index++)
      symlinkSync(`${index}/${'x'.repeat(4_000)}`, inSource('lost', `link-${index}`));
    writeFileSync(inSource('good', 'file'), 'good');
    await bench.backup();
    const nodes = there(bench.gateway.packs.find(({ kind }) => kind === 'NODE'));
    const node = there(nodes.footer.frames.find(({ chunkLengths }) => chunkLengths.length === 1));
    bench.gateway.damage(Buffer.from(node.chunkIds));
    const run = bench.newRun();
    await expect(bench.restore(target, {}, undefined, run)).rejects.toMatchObject({ kind: 'Integrity' });
    expect(run.notices.kept.map(({ path, kind }) => [path.toString(), kind])).toEqual([[inSource('lost'), 'DAMAGED']]);
    expect(readdirSync(target)).toEqual(['good']);
  });

  it('restores selected paths alone, to where they belong below the target', async () => {
    fill();
    await bench.backup();
    await bench.restore(target, {
      base: Buffer.from('/'),
      select: [Buffer.from(inSource('b/deep')), Buffer.from(inSource('a/small-7'))],
    });
    const below = (name: string) => join(target, bench.source, name);
    expect(readdirSync(below('a'))).toEqual(['small-7']);
    expect(readdirSync(below(''))).toEqual(['a', 'b']);
    expect(readFileSync(below('b/deep/er/text')).equals(readFileSync(inSource('b/deep/er/text')))).toBe(true);
  });

  it('says which selected path the point does not have', async () => {
    fill(3);
    await bench.backup();
    await expect(
      bench.restore(target, { select: [Buffer.from(inSource('a')), Buffer.from(inSource('no/such'))] }),
    ).rejects.toMatchObject({ kind: 'NotFound', code: 'SELECTION_NOT_IN_POINT' });
    expect(readdirSync(inTarget('a'))).toHaveLength(3);
    await expect(bench.restore(target, { select: [Buffer.from('/elsewhere')] })).rejects.toMatchObject({
      kind: 'Validation',
      code: 'SELECTION_OUTSIDE_BASE',
    });
    await expect(bench.restore(target, { base: Buffer.from('/no/such') })).rejects.toMatchObject({
      kind: 'NotFound',
      code: 'BASE_NOT_IN_POINT',
    });
  });

  it('writes nothing under FAIL when something is in the way', async () => {
    fill(3);
    await bench.backup();
    mkdirSync(inTarget('b'), { recursive: true });
    writeFileSync(inTarget('b/large'), 'mine');
    await expect(bench.restore(target)).rejects.toMatchObject({ kind: 'Conflict', code: 'RESTORE_CONFLICT' });
    expect(readdirSync(target)).toEqual(['b']);
    const skipped = await bench.restore(target, { onConflict: 'SKIP' });
    // The target, which is the base, has no entry; so these are the folder b and the file in it.
    expect(skipped.run.counters).toMatchObject({ entriesSkipped: 2, warnings: 0 });
    expect(readFileSync(inTarget('b/large'), 'utf8')).toBe('mine');
    expect(existsSync(inTarget('a/small-1'))).toBe(true);
  });

  it('finds under SKIP everything there and has nothing to say about that', async () => {
    fill();
    await bench.backup();
    const { run } = await bench.restore(bench.source, { onConflict: 'SKIP' });
    expect(run.counters.entries).toBeGreaterThan(45);
    expect(run.counters).toMatchObject({ entriesSkipped: run.counters.entries, bytesWritten: 0, warnings: 0 });
    expect(run.notices.total).toBe(0);
  });

  it('finds under KEEP_BOTH everything there, and never says that it wrote anything', async () => {
    fill();
    await bench.backup();
    const run = bench.newRun();
    const told: number[] = [];
    Object.defineProperty(run.counters, 'bytesWritten', { get: () => 0, set: (bytes: number) => told.push(bytes) });
    await bench.restore(bench.source, { onConflict: 'KEEP_BOTH' }, undefined, run);
    expect(run.counters.entries).toBeGreaterThan(45);
    expect(run.counters).toMatchObject({ entriesSkipped: run.counters.entries, warnings: 0 });
    expect(told.every((bytes) => bytes === 0)).toBe(true);
  });

  it('counts nothing that it could not write', async () => {
    for (const name of ['good', 'bad']) mkdirSync(inSource(name));
    for (const name of ['good/file', 'bad/file', 'bad/other']) writeFileSync(inSource(name), 'content');
    await bench.backup();
    const run = bench.newRun();
    bench.never = [join(target, 'bad')];
    mkdirSync(inTarget('bad'), { recursive: true });
    await expect(bench.restore(target, { onConflict: 'SKIP' }, undefined, run)).rejects.toMatchObject({
      code: 'RESTORE_INCOMPLETE',
    });
    expect(run.counters).toMatchObject({ entries: 2, files: 1, entriesSkipped: 0, bytesWritten: 'content'.length });
  });

  it.each(['FAIL', 'OVERWRITE'] as const)('says under %s what is wrong with its target', async (onConflict) => {
    writeFileSync(inSource('a'), 'content');
    await bench.backup();
    writeFileSync(join(bench.folder, 'file'), '');
    symlinkSync('nowhere', join(bench.folder, 'dangling'));
    for (const [name, words] of [
      ['file', 'is no folder'],
      ['file/below', 'is no folder'],
      ['dangling', 'leads nowhere'],
      ['/proc/nowhere/below', 'leads nowhere, or nobody can make folders there'],
    ] as const) {
      const where = resolve(bench.folder, name);
      for (const roots of [undefined, ['/']]) {
        await expect(bench.restore(where, { onConflict }, roots)).rejects.toMatchObject({
          kind: 'IllegalState',
          code: 'TARGET_UNUSABLE',
          message: expect.stringMatching(new RegExp(`^The folder ${where} on this host .*${words}`)) as string,
        });
      }
    }
  });

  it('stays where the host allows it', async () => {
    fill(3);
    await bench.backup();
    const allowed = join(bench.folder, 'allowed');
    symlinkSync(bench.folder, join(bench.folder, 'way-out'));
    mkdirSync(allowed);
    symlinkSync(bench.source, join(allowed, 'link'));
    for (const where of [target, join(bench.folder, 'allowed-not'), join(allowed, 'link', 'x')]) {
      await expect(bench.restore(where, {}, [allowed])).rejects.toMatchObject({
        kind: 'Forbidden',
        code: 'RESTORE_ROOT_FORBIDDEN',
      });
    }
    await bench.restore(join(bench.folder, 'way-out', 'allowed', 'new'), {}, [allowed]);
    expect(describeFolder(join(allowed, 'new'))).toEqual(describeFolder(bench.source));
  });

  it('writes nothing outside the allowed roots when a link is put in the way after they were checked', async () => {
    writeFileSync(inSource('a'), 'content');
    await bench.backup();
    const allowed = join(bench.folder, 'allowed');
    const outside = join(bench.folder, 'outside');
    for (const folder of [allowed, join(allowed, 'of-a-user'), outside]) mkdirSync(folder);
    // The session is opened between the check and the first write.
    const openSession = bench.gateway.openSession.bind(bench.gateway);
    vi.spyOn(bench.gateway, 'openSession').mockImplementation((...call) => {
      renameSync(join(allowed, 'of-a-user'), join(bench.folder, 'away'));
      symlinkSync(outside, join(allowed, 'of-a-user'));
      return openSession(...call);
    });
    await expect(bench.restore(join(allowed, 'of-a-user'), {}, [allowed])).rejects.toMatchObject({
      code: 'RESTORE_ROOT_FORBIDDEN',
    });
    expect(readdirSync(outside)).toEqual([]);
  });

  it('makes folders on the way to a selection as they were, and leaves those that are there alone', async () => {
    fill();
    chmodSync(inSource('b'), 0o2755);
    chmodSync(inSource('b/deep'), 0o705);
    utimesSync(inSource('b/deep'), 1_500_000_000, 1_500_000_000);
    await bench.backup();
    mkdirSync(inTarget('b'), { recursive: true, mode: 0o711 });
    await bench.restore(target, { select: [Buffer.from(inSource('b/deep/er/text'))] });
    const modeOf = (name: string): number => statSync(inTarget(name)).mode & 0o7777;
    expect([modeOf('b'), modeOf('b/deep')]).toEqual([0o711, 0o705]);
    expect(statSync(inTarget('b/deep')).mtimeMs).toBe(1_500_000_000_000);
    expect(readdirSync(inTarget('b'))).toEqual(['deep']);
  });

  it('stops when it is cancelled', async () => {
    fill();
    await bench.backup();
    const run = bench.newRun();
    run.stop('cancelled');
    await expect(bench.restore(target, {}, undefined, run)).rejects.toThrow();
    expect(existsSync(inTarget('a'))).toBe(false);
    expect(bench.gateway.openSessions).toBe(0);
  });
});

describe('damage', () => {
  it('is what the engine calls an integrity failure, and nothing else', () => {
    const other = new Error('other');
    expect(asDamage(other)).toBe(other);
    expect(asDamage(new HoldfastError({ kind: 'Integrity', code: 'X', message: 'm' }))).toMatchObject({
      name: 'DamageError',
      message: 'm',
    });
  });
});
