import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@holdfast/core/ids';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder, prepareDataDirectory } from './data-directory.js';
import { readMasterKey } from './master-key.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-key-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the master key', () => {
  it('is made once, for its owner alone, and read back the same', async () => {
    const file = join(folder, 'master.key');
    const made = await readMasterKey(file, systemRandom, true);
    expect(made).toHaveLength(32);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readMasterKey(file, systemRandom, false)).toEqual(made);
  });

  it.each([0o640, 0o604, 0o666])('is refused when its mode is %i: others may have read it', async (mode) => {
    const file = join(folder, 'master.key');
    await readMasterKey(file, systemRandom, true);
    await chmod(file, mode);
    await expect(readMasterKey(file, systemRandom, true)).rejects.toMatchObject({ code: 'MASTER_KEY_UNUSABLE' });
  });

  it('is never made anew for a catalog that had one', async () => {
    await expect(readMasterKey(join(folder, 'master.key'), systemRandom, false)).rejects.toMatchObject({
      code: 'MASTER_KEY_MISSING',
    });
  });

  it('is refused without its content showing when the file holds something else', async () => {
    const file = join(folder, 'master.key');
    await writeFile(file, 'hunter2', { mode: 0o600 });
    const read = readMasterKey(file, systemRandom, true);
    await expect(read).rejects.toMatchObject({ code: 'MASTER_KEY_UNUSABLE' });
    await expect(read).rejects.not.toThrow(/hunter2/);
    expect(await readFile(file, 'utf8')).toBe('hunter2');
  });
});

describe('the data folder', () => {
  it('is closed to others, also when it was open before', async () => {
    await chmod(folder, 0o755);
    await prepareDataDirectory(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('is refused when it is a file', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(prepareDataDirectory(file)).rejects.toMatchObject({ code: 'DATA_FOLDER_NOT_WRITABLE' });
  });

  it('is made with the folders above it', async () => {
    const deep = join(folder, 'a', 'b', 'c');
    await prepareDataDirectory(deep);
    expect((await stat(deep)).mode & 0o777).toBe(0o700);
  });

  it('is refused, and not waited for, where no folder can be made', async () => {
    await expect(prepareDataDirectory('/proc/holdfast/data')).rejects.toMatchObject({
      code: 'DATA_FOLDER_NOT_WRITABLE',
    });
  });

  it('has one holder of a lock at a time, and waits for one that is just ending', async () => {
    const first = await lockFolder(folder, 'server', 0);
    await expect(lockFolder(folder, 'server', 0)).rejects.toMatchObject({ kind: 'Locked', code: 'DATA_FOLDER_IN_USE' });
    setTimeout(() => first.release(), 150);
    const second = await lockFolder(folder, 'server', 5_000);
    second.release();
  });
});
