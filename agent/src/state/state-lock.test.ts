import { chmod, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { prepareStateFolder, type StateFolder } from './state-folder.js';
import { isStateLocked, lockState } from './state-lock.js';

let root: string;
let folder: StateFolder;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-state-')));
  folder = await prepareStateFolder(join(root, 'state'), process.getuid?.() ?? 0);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const mode = async (): Promise<number> => (await stat(folder.lockFile)).mode & 0o777;

it('lets one process at a time work with a state folder', () => {
  expect(isStateLocked(folder)).toBe(false);
  const lock = lockState(folder);
  expect(isStateLocked(folder)).toBe(true);
  expect(() => lockState(folder)).toThrow(expect.objectContaining({ kind: 'Locked', code: 'STATE_IN_USE' }) as Error);
  lock.release();
  expect(isStateLocked(folder)).toBe(false);
});

it('keeps the lock to its owner, also one that was made readable to others', async () => {
  lockState(folder).release();
  expect(await mode()).toBe(0o600);
  await chmod(folder.lockFile, 0o644);
  const lock = lockState(folder);
  expect(await mode()).toBe(0o600);
  expect(isStateLocked(folder)).toBe(true);
  lock.release();
});
