import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NewFile, writeNewFile } from './new-file.js';
import { someEntry } from './restore.fixture.js';

describe.skipIf(process.platform !== 'linux')('making a new file', () => {
  let folder: string;
  let dirFd: number;
  const file = (name: string, content: string): NewFile => ({
    dirFd,
    name: Buffer.from(name),
    temporary: Buffer.from('.temporary'),
    entry: someEntry({ name: Buffer.from(name), mode: 0o640, size: content.length }),
    content: Buffer.from(content),
    mayHaveOtherAcl: false,
  });

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-new-file-'));
    dirFd = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  });
  afterEach(() => {
    fs.closeSync(dirFd);
    fs.rmSync(folder, { recursive: true });
  });

  const expectComplete = (name: string): void => {
    expect(fs.readdirSync(folder)).toEqual([name]);
    const { mode, mtimeNs } = fs.statSync(path.join(folder, name), { bigint: true });
    expect({ mode: mode & 0o7777n, mtimeNs }).toEqual({ mode: 0o640n, mtimeNs: 1_000_000_001n });
    expect(fs.readFileSync(path.join(folder, name), 'utf8')).toBe('content');
  };

  it('completes its content and metadata under a temporary name, and tells what it is', () => {
    const made = writeNewFile(file('name', 'content'));
    expect(made).toMatchObject({ kind: 'unnamed', notices: [] });
    expect(made).toMatchObject({ status: { ino: fs.statSync(path.join(folder, '.temporary'), { bigint: true }).ino } });
    expectComplete('.temporary');
  });

  it('gives it its name at once where nobody else looks', () => {
    const made = writeNewFile({ ...file('name', 'content'), temporary: undefined });
    expect(made).toEqual({ kind: 'restored', notices: [] });
    expectComplete('name');
  });

  it('leaves what has its name as it is', () => {
    fs.writeFileSync(path.join(folder, 'name'), 'earlier');
    expect(writeNewFile({ ...file('name', 'content'), temporary: undefined })).toEqual({ kind: 'undecided' });
    expect(fs.readdirSync(folder)).toEqual(['name']);
    expect(fs.readFileSync(path.join(folder, 'name'), 'utf8')).toBe('earlier');
  });

  it('says why it could not be made', () => {
    expect(writeNewFile({ ...file('n'.repeat(300), 'content'), temporary: undefined })).toEqual({
      kind: 'refused',
      reason: 'name too long (ENAMETOOLONG)',
      code: 'ENAMETOOLONG',
    });
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});
