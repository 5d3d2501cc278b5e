import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import * as files from 'node:fs/promises';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../ids/index.js';
import { LocalStore, openLocalStore } from './local-store.js';
import { MemoryStore } from './memory-store.js';
import type { ObjectReaper, ObjectStore } from './object-store.js';

const folders: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  folders.push(folder);
  return folder;
}

async function localStore(root?: string) {
  return openLocalStore({
    root: root ?? join(await temporaryFolder(), 'vault'),
    owner: 'test',
    random: systemRandom,
    create: true,
  });
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const adapters: [string, () => Promise<ObjectStore & ObjectReaper>][] = [
  ['memory', async () => new MemoryStore()],
  ['local', () => localStore()],
];

async function names(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const info of store.list(prefix)) found.push(info.name);
  return found;
}

describe.each(adapters)('the %s object store', (_, open) => {
  it('gives back what was put, whole and in ranges', async () => {
    const store = await open();
    expect(await store.put('pack/ab12', Buffer.from('0123456789'))).toEqual({ created: true });
    expect((await store.get('pack/ab12')).toString()).toBe('0123456789');
    expect((await store.get('pack/ab12', { offset: 3, length: 4 })).toString()).toBe('3456');
    expect((await store.get('pack/ab12', { offset: 10, length: 0 })).length).toBe(0);
    expect(await store.stat('pack/ab12')).toEqual({ name: 'pack/ab12', size: 10 });
  });

  it('puts a stream', async () => {
    const store = await open();
    async function* pieces() {
      yield Buffer.from('a');
      yield Buffer.alloc(200_000, 'b');
    }
    await store.put('index/1', pieces());
    expect((await store.get('index/1')).length).toBe(200_001);
  });

  it('leaves nothing of a stream that broke', async () => {
    const store = await open();
    async function* pieces() {
      yield Buffer.from('a');
      throw new Error('source gone');
    }
    await expect(store.put('index/1', pieces())).rejects.toThrow('source gone');
    expect(await store.stat('index/1')).toBeUndefined();
    expect(await names(store, '')).toEqual([]);
  });

  it('creates a name once, whoever asks, and says who did', async () => {
    const store = await open();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.put('log/1', Buffer.of(n), { ifAbsent: true })),
    );
    const winner = results.findIndex((result) => result.created);
    expect(results.filter((result) => result.created).length).toBe(1);
    expect((await store.get('log/1')).equals(Buffer.of(winner))).toBe(true);
    await store.put('log/1', Buffer.from('replaced'));
    expect((await store.get('log/1')).toString()).toBe('replaced');
  });

  it('shows an object only once it is committed, and never one that was given up', async () => {
    const store = await open();
    const writer = await store.openWriter('pack/cd34', { ifAbsent: true });
    const reused = Buffer.from('first ');
    await writer.write(reused);
    reused.fill('x');
    await writer.write(Buffer.from('second'));
    expect(await store.stat('pack/cd34')).toBeUndefined();
    expect(await names(store, 'pack/')).toEqual([]);
    expect(await writer.commit()).toEqual({ created: true });
    await writer.abort();
    expect((await store.get('pack/cd34')).toString()).toBe('first second');
    await expect(writer.write(Buffer.of(1))).rejects.toMatchObject({ kind: 'IllegalState' });

    const given = await store.openWriter('pack/ef56');
    await given.write(Buffer.from('x'));
    await given.abort();
    await given.abort();
    await expect(given.commit()).rejects.toMatchObject({ kind: 'IllegalState' });
    expect(await store.stat('pack/ef56')).toBeUndefined();
  });

  it('lists every object below a prefix, in order', async () => {
    const store = await open();
    const all = [
      'pack/ab01',
      'pack/ab-x',
      'pack/00ff',
      'pack/zz',
      'pack/a',
      'point/1',
      'index/02',
      'index/10',
      'a/b/c',
      'a/b.c',
      'a/b-c',
    ];
    for (const name of all) await store.put(name, Buffer.from(name));
    expect(await names(store, '')).toEqual(all.toSorted());
    expect(await names(store, 'pack/')).toEqual(all.filter((name) => name.startsWith('pack/')).toSorted());
    expect(await names(store, 'pack/a')).toEqual(['pack/a', 'pack/ab-x', 'pack/ab01']);
    expect(await names(store, 'index/1')).toEqual(['index/10']);
    expect(await names(store, 'absent/')).toEqual([]);
  });

  it('deletes, and does not mind what is gone already', async () => {
    const store = await open();
    await store.put('pack/ab12', Buffer.of(1));
    await store.delete('pack/ab12');
    await store.delete('pack/ab12');
    expect(await store.stat('pack/ab12')).toBeUndefined();
    await expect(store.get('pack/ab12')).rejects.toMatchObject({ kind: 'NotFound' });
  });

  it('says Integrity for a range beyond the end', async () => {
    const store = await open();
    await store.put('pack/ab12', Buffer.from('0123'));
    await expect(store.get('pack/ab12', { offset: 2, length: 3 })).rejects.toMatchObject({ kind: 'Integrity' });
    await expect(store.get('pack/ab12', { offset: -1, length: 1 })).rejects.toMatchObject({ kind: 'Validation' });
    await expect(store.get('pack/ab12', { offset: 0, length: 2 ** 40 })).rejects.toMatchObject({ kind: 'Integrity' });
  });

  it('refuses every name that is not an object name', async () => {
    const store = await open();
    const bad = [
      '',
      '/',
      'a/',
      '/a',
      'a//b',
      '../a',
      'a/../b',
      '.tmp-x',
      'a/.b',
      'A',
      'a\0b',
      'a\nb',
      'a\n',
      'a/b/c/d/e',
      'x'.repeat(101),
      'a\\b',
      'ä',
      'pack/ab/ab12',
    ];
    for (const name of bad) {
      await expect(store.put(name, Buffer.of(1))).rejects.toMatchObject({ kind: 'Validation' });
      await expect(store.get(name)).rejects.toMatchObject({ kind: 'Validation' });
      await expect(store.stat(name)).rejects.toMatchObject({ kind: 'Validation' });
      await expect(store.delete(name)).rejects.toMatchObject({ kind: 'Validation' });
    }
  });

  it('behaves as a map does under any sequence of calls', async () => {
    const name = fc.constantFrom('pack/00', 'pack/01ab', 'point/a', 'index/1');
    const step = fc.oneof(
      fc.record({
        do: fc.constant('put' as const),
        name,
        bytes: fc.uint8Array({ maxLength: 9 }),
        ifAbsent: fc.boolean(),
      }),
      fc.record({ do: fc.constant('delete' as const), name }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const store = await open();
        const model = new Map<string, Uint8Array>();
        for (const each of steps) {
          if (each.do === 'delete') {
            model.delete(each.name);
            await store.delete(each.name);
          } else {
            const created = !(each.ifAbsent && model.has(each.name));
            if (created) model.set(each.name, each.bytes);
            expect(await store.put(each.name, each.bytes, { ifAbsent: each.ifAbsent })).toEqual({ created });
          }
        }
        expect(await names(store, '')).toEqual([...model.keys()].sort());
        for (const [key, bytes] of model) expect((await store.get(key)).equals(bytes)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });
});

describe('the local store', () => {
  it('keeps files to its own user and spreads packs over folders', async () => {
    const root = join(await temporaryFolder(), 'vault');
    const store = await localStore(root);
    await store.put('pack/ab12', Buffer.of(1));
    expect((await stat(join(root, 'pack/ab/ab12'))).mode & 0o777).toBe(0o600);
    for (const folder of ['', 'pack', 'pack/ab']) expect((await stat(join(root, folder))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(root, 'pack/ab'))).toEqual(['ab12']);
  });

  it('removes what its owner left half written, and nothing of others', async () => {
    const root = join(await temporaryFolder(), 'vault');
    const before = await localStore(root);
    await before.put('pack/ab12', Buffer.of(1));
    const crashed = await before.openWriter('pack/ab34');
    await crashed.write(Buffer.of(1));
    await writeFile(join(root, 'pack/ab/.tmp-other-00'), 'theirs');
    const store = await localStore(root);
    expect((await readdir(join(root, 'pack/ab'))).sort()).toEqual(['.tmp-other-00', 'ab12']);
    expect(await names(store, '')).toEqual(['pack/ab12']);
    await crashed.abort();
  });

  it('says that the store is missing, not the object, when its folder has gone', async () => {
    const root = join(await temporaryFolder(), 'vault');
    const store = await localStore(root);
    await store.put('pack/ab12', Buffer.of(1));
    await rm(root, { recursive: true });
    const missing = { kind: 'Unavailable', code: 'STORE_MISSING' };
    await expect(store.get('pack/ab12')).rejects.toMatchObject(missing);
    await expect(store.stat('pack/ab12')).rejects.toMatchObject(missing);
    await expect(store.put('pack/ab12', Buffer.of(1))).rejects.toMatchObject(missing);
    await expect(names(store, '')).rejects.toMatchObject(missing);
    await expect(store.delete('pack/ab12')).rejects.toMatchObject(missing);
    await expect(openLocalStore({ root, owner: 'test', random: systemRandom, create: false })).rejects.toMatchObject(
      missing,
    );
  });

  it('takes what is no regular file for damaged, and never waits for whoever might open its other end', async () => {
    const root = join(await temporaryFolder(), 'vault');
    const store = await localStore(root);
    await store.put('pack/ab00', Buffer.of(1));
    const inside = (name: string) => join(root, 'pack/ab', name);
    execFileSync('mkfifo', [inside('ab01')]);
    await symlink(inside('ab00'), inside('ab02'));
    await symlink('/dev/zero', inside('ab03'));
    await mkdir(inside('ab04'));
    const socket = createServer().listen(inside('ab05'));
    await once(socket, 'listening');
    for (const name of ['pack/ab01', 'pack/ab02', 'pack/ab03', 'pack/ab04', 'pack/ab05'])
      await expect(store.get(name, { offset: 0, length: 1 }), name).rejects.toMatchObject({
        kind: 'Integrity',
        message: `${name} is not a regular file, as every object of a store is.`,
      });
    socket.close();
    expect(await names(store, '')).toEqual(['pack/ab00']);
  });

  it('tells what is in the place of a folder of packs, and lists the others; what lay in it is not there', async () => {
    const root = join(await temporaryFolder(), 'vault');
    const store = await localStore(root);
    for (const name of ['pack/aa01', 'pack/bb01', 'point/1']) await store.put(name, Buffer.of(1));
    await rm(join(root, 'pack/aa'), { recursive: true });
    await writeFile(join(root, 'pack/aa'), 'not a folder');
    await expect(names(store, '')).rejects.toMatchObject({ code: 'SHARD_NOT_A_FOLDER' });
    const told: unknown[] = [];
    const there = await Array.fromAsync(store.list('pack/', (name, { kind }) => told.push([name, kind])));
    expect(there.map(({ name }) => name)).toEqual(['pack/bb01']);
    expect(told).toEqual([['pack/aa', 'Integrity']]);
    expect(await store.stat('pack/aa01')).toBeUndefined();
    await expect(store.get('pack/aa01')).rejects.toMatchObject({ kind: 'NotFound' });
    await rm(root, { recursive: true });
    await writeFile(root, 'not a folder either');
    await expect(store.get('pack/aa01')).rejects.toMatchObject({ kind: 'Unavailable', code: 'STORE_MISSING' });
  });

  it('tells the space of its file system, where that has a size', async () => {
    const root = await temporaryFolder();
    const { frsize, blocks } = await files.statfs(root, { bigint: true });
    const space = await (await localStore(root)).space();
    expect(space?.total).toBe(blocks * frsize);
    expect(space?.free).toBeLessThan(blocks * frsize);
    const of = (statfs: typeof files.statfs) =>
      new LocalStore({ root, owner: 'test', random: systemRandom, create: false, calls: { ...files, statfs } }).space();
    const told = { bsize: 1n, frsize: 4_096n, blocks: 2n ** 50n, bavail: 7n };
    expect(await of((async () => told) as never)).toEqual({ free: 28_672n, total: 2n ** 62n });
    expect(await of((async () => ({ ...told, blocks: 0n, bavail: 0n })) as never)).toBeUndefined();
    await rm(root, { recursive: true });
    await expect(of(files.statfs)).rejects.toMatchObject({ kind: 'Unavailable', code: 'STORE_MISSING' });
  });

  it('says in words why it cannot write', async () => {
    const root = join(await temporaryFolder(), 'vault');
    const store = await localStore(root);
    await mkdir(join(root, 'log'));
    await writeFile(join(root, 'point'), 'a file where a folder should be');
    await expect(store.put('point/1', Buffer.of(1))).rejects.toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining('not a folder') as string,
    });
  });
});
