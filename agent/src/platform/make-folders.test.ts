import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolders } from './make-folders.js';

describe('folders that are made with those above them', () => {
  let folder: string;
  const at = (name: string): string => path.join(folder, name);
  const make = (name: string): void => makeFolders(Buffer.from(path.resolve(folder, name)), 0o750);

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-folders-'));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it('have the mode that was asked for, and leave what is there as it is', () => {
    fs.mkdirSync(at('there'));
    fs.chmodSync(at('there'), 0o700);
    make('there/a/b');
    make('there/a/b');
    const modeOf = (name: string): number => fs.statSync(at(name)).mode & 0o777;
    expect([modeOf('there'), modeOf('there/a'), modeOf('there/a/b')]).toEqual([0o700, 0o750, 0o750]);
  });

  it('are made behind links, with any bytes in their names, however many slashes there are', () => {
    fs.mkdirSync(at('real'));
    fs.symlinkSync('real', at('link'));
    makeFolders(Buffer.from(`${folder}//link/a\xff/`, 'latin1'), 0o755);
    expect(fs.readdirSync(at('real'), 'latin1')).toEqual(['a\xff']);
    expect(() => makeFolders(Buffer.from('/'), 0o755)).not.toThrow();
  });

  it.each([
    ['file/below', 'ENOTDIR'],
    ['dangling/below', 'ENOENT'],
    ['circle/below', 'ELOOP'],
    ['x'.repeat(256), 'ENAMETOOLONG'],
    ['/proc/nowhere/below', 'ENOENT'],
    ['/proc/nowhere', 'ENOENT'],
  ])('are refused as the system refuses them: %s %s', (name, code) => {
    fs.writeFileSync(at('file'), '');
    fs.symlinkSync('nowhere', at('dangling'));
    fs.symlinkSync('circle', at('circle'));
    expect(() => make(name)).toThrow(expect.objectContaining({ code }));
  });
});
