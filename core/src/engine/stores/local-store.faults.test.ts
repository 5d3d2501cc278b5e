import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../ids/index.js';
import { type BeforeCall, failedCall, filesWith } from './failing-files.fixture.js';
import { type LocalStore, openLocalStore } from './local-store.js';

const CONTENT = Buffer.from('what was to be stored');
const NAMES = ['pack/ab12', 'point/1'];

let folder: string;
/** Of the call that is made next; set by a test. */
let before: BeforeCall;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
  before = () => undefined;
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(): Promise<LocalStore> {
  const calls = filesWith((call, path) => before(call, path));
  return openLocalStore({ root: join(folder, 'vault'), owner: 'test', random: systemRandom, create: true, calls });
}

async function everything(store: LocalStore): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { name } of store.list('')) found.set(name, (await store.get(name)).toString());
  return found;
}

/** The calls that the work makes, in order. */
async function callsOf(work: () => Promise<unknown>): Promise<string[]> {
  const calls: string[] = [];
  before = (call) => void calls.push(call);
  await work();
  before = () => undefined;
  return calls;
}

/** Fails the call of this number, and with `onwards` all that come after it. */
function failCall(number: number, code: string, onwards = false): void {
  let calls = 0;
  before = (call) => {
    const at = calls++;
    if (at === number || (onwards && at > number)) throw failedCall(code, call);
  };
}

const codes = [
  ['ENOSPC', 'STORE_FULL'],
  ['EIO', 'STORE_IO'],
  ['EMFILE', 'STORE_BUSY'],
  ['EROFS', 'STORE_READ_ONLY'],
] as const;

describe.each(codes)('a store whose disk says %s', (errno, code) => {
  it.each([false, true])(
    'at any one call of a put keeps what was there, shows the object whole or not at all, and takes it again (create once: %s)',
    async (ifAbsent) => {
      const calls = await callsOf(async () => (await open()).put('pack/00', CONTENT, { ifAbsent }));
      expect(calls).toEqual(expect.arrayContaining(['mkdir', 'open', 'handle.write', 'handle.sync', 'handle.close']));
      for (const onwards of [false, true]) {
        for (let number = 0; number < calls.length; number += 1) {
          const store = await open();
          await store.put('index/0', Buffer.from('committed before'));
          const name = `pack/${number}-${onwards}`;
          failCall(number, errno, onwards);
          // Removing what is left over may fail without harm, and then nobody need be told.
          await store.put(name, CONTENT, { ifAbsent }).catch((error: unknown) => {
            expect(error).toMatchObject({ kind: 'Unavailable', code });
            expect((error as Error).message).not.toContain('/secret');
          });
          before = () => undefined;
          const there = await everything(store);
          expect(there.get('index/0')).toBe('committed before');
          expect([undefined, CONTENT.toString()]).toContain(there.get(name));

          await store.put(name, CONTENT, { ifAbsent });
          expect((await store.get(name)).equals(CONTENT)).toBe(true);
        }
      }
    },
  );

  it('at any call of a read says so, and reads when the disk is back', async () => {
    const store = await open();
    for (const name of NAMES) await store.put(name, CONTENT);
    const reads: [string, () => Promise<unknown>][] = [
      ['get', () => store.get('pack/ab12', { offset: 2, length: 5 })],
      ['stat', () => store.stat('pack/ab12')],
      ['list', () => everything(store)],
    ];
    for (const [what, read] of reads) {
      const good = await read();
      const calls = await callsOf(read);
      for (const [number, call] of calls.entries()) {
        if (call === 'handle.close') continue;
        failCall(number, errno);
        await expect(read(), `${what}: ${call}`).rejects.toMatchObject({ kind: 'Unavailable', code });
        before = () => undefined;
        expect(await read()).toEqual(good);
      }
    }
  });
});

describe('a store of which a part cannot be looked at', () => {
  it.each([
    ['an object', 'stat', 'pack/ab12', ['pack/cd12', 'point/1']],
    ['a folder of packs', 'readdir', 'pack/ab', ['pack/cd12', 'point/1']],
    ['a folder', 'readdir', 'pack/', ['point/1']],
  ])('lists the rest where that is %s, and tells of it', async (_, call, name, rest) => {
    const store = await open();
    for (const each of ['pack/ab12', 'pack/cd12', 'point/1']) await store.put(each, CONTENT);
    const path = join(folder, 'vault', name.replace(/^pack\/(..)(..)$/, 'pack/$1/$1$2'));
    before = (made, at) => {
      if (made === call && at === path) throw failedCall('EIO', made);
    };
    await expect(everything(store)).rejects.toMatchObject({ code: 'STORE_IO' });
    const told: unknown[] = [];
    const there = await Array.fromAsync(store.list('', (each, { code }) => told.push([each, code])));
    expect(there.map((each) => each.name)).toEqual(rest);
    expect(told).toEqual([[name, 'STORE_IO']]);
    const stop = new Error('stop');
    const stopping = store.list('', () => {
      throw stop;
    });
    await expect(Array.fromAsync(stopping)).rejects.toBe(stop);
  });

  it('is no store where that is its own folder', async () => {
    const store = await open();
    await store.put('pack/ab12', CONTENT);
    before = (call, at) => {
      if (call === 'readdir' && at === join(folder, 'vault')) throw failedCall('EIO', call);
    };
    const passedOver = store.list('', () => undefined);
    await expect(Array.fromAsync(passedOver)).rejects.toMatchObject({ code: 'STORE_IO' });
  });

  it('opens although leftovers cannot be looked for, or removed, in one folder', async () => {
    const store = await open();
    const writers = await Promise.all(['pack/ab12', 'pack/cd12'].map((name) => store.openWriter(name)));
    before = (call, at) => {
      if (call === 'readdir' && at?.endsWith('/ab')) throw failedCall('EUCLEAN', call);
    };
    await open();
    expect(readdirSync(join(folder, 'vault', 'pack', 'ab'))).toHaveLength(1);
    expect(readdirSync(join(folder, 'vault', 'pack', 'cd'))).toEqual([]);
    before = (call) => {
      if (call === 'unlink') throw failedCall('EROFS', call);
    };
    await open();
    for (const writer of writers) await writer.abort();
  });
});

describe('a store whose disk fails', () => {
  it('opens again without what a failed write left over', async () => {
    const store = await open();
    const writer = await store.openWriter('pack/ab12');
    before = () => {
      throw failedCall('EIO', 'any');
    };
    await expect(writer.write(CONTENT)).rejects.toMatchObject({ code: 'STORE_IO' });
    before = () => undefined;
    expect(readdirSync(join(folder, 'vault', 'pack', 'ab'))).toHaveLength(1);
    await open();
    expect(readdirSync(join(folder, 'vault', 'pack', 'ab'))).toEqual([]);
  });

  it('never takes a second flush for a first that failed', async () => {
    const store = await open();
    const writer = await store.openWriter('pack/ab12');
    await writer.write(CONTENT);
    let flushes = 0;
    before = (call) => {
      if (call === 'handle.sync' && flushes++ === 0) throw failedCall('EIO', call);
    };
    await expect(writer.commit()).rejects.toMatchObject({ code: 'STORE_IO' });
    await expect(writer.commit()).rejects.toMatchObject({ code: 'WRITER_CLOSED' });
    expect(await store.stat('pack/ab12')).toBeUndefined();
  });

  it('is only slow when its disk is', async () => {
    before = () => sleep(5);
    const store = await open();
    await Promise.all(NAMES.map((name) => store.put(name, CONTENT)));
    expect([...(await everything(store)).keys()]).toEqual(NAMES);
  });
});
