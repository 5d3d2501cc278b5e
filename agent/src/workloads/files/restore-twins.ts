import fs from 'node:fs';
import { promisify } from 'node:util';
import { type FileStatus, statFd } from '../../platform/file-status.js';
import { openAt } from '../../platform/open-file.js';
import { errorCode } from '../../platform/posix-error.js';
import type { XattrTarget } from '../../platform/xattrs.js';
import type { FileEntry } from './file-entry.js';
import { readXattrs } from './scan-entry.js';

const BLOCK_BYTES = 1024 * 1024;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const read = promisify(fs.read);
/** Access lists of all kinds, and capabilities. */
const LETS_IN = /^(?:system\.|security\.capability$)/;

/**
 * Under KEEP_BOTH, what stands where an entry would lie may be what the entry is: then a second one would be of no use to anybody. A twin has
 * the same type, owner, permissions, attributes and content, so that nobody can change it, or read it, who could not do so with what would be
 * restored; its times are its own, and it may have further attributes that let nobody in.
 */
export function mayBeTwin(status: FileStatus, entry: FileEntry): boolean {
  if (status.type !== entry.type || entry.type === 'directory') return false;
  if (entry.type === 'file' && status.size !== entry.size) return false;
  // A link's own permissions count for nothing.
  if (entry.type !== 'symlink' && status.mode !== entry.mode) return false;
  return hasItsOwner(status, entry);
}

/** False also where not all of them can be read. */
export function hasItsAttributes(target: XattrTarget, { xattrs }: FileEntry): boolean {
  let areRead = true;
  const found = readXattrs(target, () => (areRead = false));
  const isOf = (all: FileEntry['xattrs'], name: Buffer, value?: Buffer): boolean =>
    all.some((each) => each.name.equals(name) && (value === undefined || each.value.equals(value)));
  return (
    areRead &&
    xattrs.every(({ name, value }) => isOf(found, name, value)) &&
    found.every(({ name }) => !LETS_IN.test(name.toString('latin1')) || isOf(xattrs, name))
  );
}

/** Those that the restored one would have: who is not root makes files of their own. */
function hasItsOwner({ uid, gid }: FileStatus, entry: FileEntry): boolean {
  const user = process.geteuid?.();
  if (user === 0) return uid === entry.uid && gid === entry.gid;
  return uid === user && (gid === entry.gid || gid === process.getegid?.());
}

/** Whether one of these names has a regular file with that content: bytes, or those of an open file that is complete. */
export async function hasTwin(
  folder: number,
  names: readonly Buffer[],
  entry: FileEntry,
  content: Buffer | number,
): Promise<boolean> {
  for (const name of names) if (await isTwin(folder, name, entry, content)) return true;
  return false;
}

async function isTwin(folder: number, name: Buffer, entry: FileEntry, content: Buffer | number): Promise<boolean> {
  let fd = -1;
  let own = -1;
  try {
    fd = openAt(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!mayBeTwin(statFd(fd), entry) || !hasItsAttributes(fd, entry)) return false;
    if (Buffer.isBuffer(content))
      return await hasSameBytes(fd, entry.size, async (at, length) => content.subarray(at, at + length));
    // Of what was made, whatever has its name by now.
    own = fs.openSync(`/proc/self/fd/${content}`, O_RDONLY);
    return await hasSameBytes(fd, entry.size, blocksOf(own));
  } catch (error) {
    // What cannot be read is no twin, as far as anybody can tell.
    if (errorCode(error) === undefined) throw error;
    return false;
  } finally {
    for (const each of [fd, own]) if (each >= 0) fs.closeSync(each);
  }
}

type Blocks = (at: number, length: number) => Promise<Buffer>;

async function hasSameBytes(fd: number, size: number, wanted: Blocks): Promise<boolean> {
  const found = blocksOf(fd);
  for (let at = 0; at < size; at += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, size - at);
    const [one, other] = await Promise.all([found(at, length), wanted(at, length)]);
    if (one.length !== length || !one.equals(other)) return false;
  }
  return true;
}

/** Shorter than asked for where the file ends. */
function blocksOf(fd: number): Blocks {
  const memory = Buffer.allocUnsafe(BLOCK_BYTES);
  return async (at, length) => {
    let got = 0;
    while (got < length) {
      const { bytesRead } = await read(fd, memory, got, length - got, at + got);
      if (bytesRead === 0) break;
      got += bytesRead;
    }
    return memory.subarray(0, got);
  };
}
