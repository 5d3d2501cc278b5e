import { constants } from 'node:fs';
import * as fileSystem from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callsInTurn } from './calls-in-turn.js';
import type { FileCalls } from './file-calls.js';

const MOST = 2;
let folder: string;
beforeEach(async () => {
  folder = await fileSystem.mkdtemp(join(tmpdir(), 'holdfast-calls-'));
});
afterEach(() => fileSystem.rm(folder, { recursive: true }));

describe('calls in turn', () => {
  it('reach the disk so many at a time, in the order in which they came, also those of open files', async () => {
    const reached: string[] = [];
    const answers: (() => void)[] = [];
    const held = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
      reached.push(what);
      await new Promise<void>((resolve) => answers.push(resolve));
      return await call();
    };
    const answer = (): void => answers.shift()?.();
    const slow: FileCalls = {
      ...fileSystem,
      stat: (path) => held(`stat ${path}`, () => fileSystem.stat(path)),
      open: async (...args) => {
        const file = await fileSystem.open(...args);
        return {
          read: (into, at, length, position) => file.read(into, at, length, position),
          write: (bytes, at, length) => held('write', () => file.write(bytes, at, length)),
          stat: () => file.stat(),
          sync: () => file.sync(),
          close: () => file.close(),
        };
      },
    };
    const calls = callsInTurn(MOST, slow);
    const file = await calls.open(join(folder, 'a'), constants.O_WRONLY | constants.O_CREAT, 0o600);
    const written = file.write(Buffer.from('abc'), 0, 3);
    const missing = calls.stat(join(folder, 'b')).catch((error: unknown) => error);
    const third = calls.stat(folder);
    const fourth = calls.stat('/');
    expect(reached).toEqual(['write', `stat ${join(folder, 'b')}`]);
    answer();
    await expect.poll(() => reached).toEqual(['write', `stat ${join(folder, 'b')}`, `stat ${folder}`]);
    expect(await written).toMatchObject({ bytesWritten: 3 });
    // One that fails makes room as well.
    answer();
    expect(await missing).toMatchObject({ code: 'ENOENT' });
    await expect.poll(() => reached.at(-1)).toBe('stat /');
    answer();
    answer();
    await Promise.all([third, fourth]);
    const after = [calls.stat(folder), calls.stat(folder)];
    expect(reached).toHaveLength(6);
    for (const go of answers) go();
    await Promise.all(after);
    await file.close();
  });
});
