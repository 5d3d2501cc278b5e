import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { native } from './posix.js';
import { ExchangedError, Workshop } from './workshop.js';

describe.skipIf(process.platform !== 'linux')('a workshop', () => {
  let folder: string;
  let fd: number;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-workshop-'));
    fd = fs.openSync(folder, 'r');
  });
  afterEach(() => {
    vi.restoreAllMocks();
    fs.closeSync(fd);
    fs.rmSync(folder, { recursive: true });
  });

  let names = 0;
  const open = (): Workshop => Workshop.open(fd, () => Buffer.from(`temporary-${names++}`));
  /** As where folders have that mode whatever they are made with. */
  const giveFolders = (mode: number): void => {
    const original = native().mkdirat;
    vi.spyOn(native(), 'mkdirat').mockImplementation((...args) => {
      const result = original(...args);
      fs.chmodSync(path.join(folder, (args[1] as Buffer).toString().replace('\0', '')), mode);
      return result;
    });
  };
  /** As where nobody changes a mode: some say so, some say nothing. */
  const keepNoModes = (says: boolean): void => {
    vi.spyOn(fs, 'fchmodSync').mockImplementation(() => {
      if (says) throw Object.assign(new Error('EPERM'), { code: 'EPERM', errno: -1 });
    });
  };

  it('leaves nothing behind, and what is made in it is ours alone', () => {
    const workshop = open();
    expect(workshop.closesFolders).toBe(true);
    expect(fs.readdirSync(folder)).toHaveLength(1);
    workshop.close();
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it.each([true, false])('is made where files have mode 0600 and folders 0755, which keeps nobody out', (says) => {
    giveFolders(0o755);
    keepNoModes(says);
    const workshop = open();
    expect(workshop.closesFolders).toBe(false);
    workshop.close();
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('is refused where modes are kept and it has another, and leaves nothing', () => {
    giveFolders(0o755);
    expect(open).toThrow(ExchangedError);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('leaves what came in its place when it is refused', async () => {
    fs.mkdirSync(path.join(folder, 'older'), { mode: 0o755 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const original = native().mkdirat;
    vi.spyOn(native(), 'mkdirat').mockImplementation((...args) => {
      const result = original(...args);
      const made = path.join(folder, (args[1] as Buffer).toString().replace('\0', ''));
      fs.rmdirSync(made);
      fs.renameSync(path.join(folder, 'older'), made);
      return result;
    });
    expect(open).toThrow(ExchangedError);
    expect(fs.readdirSync(folder)).toHaveLength(1);
  });
});
