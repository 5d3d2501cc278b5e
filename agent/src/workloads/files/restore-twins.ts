import fs from 'node:fs';
import { promisify } from 'node:util';
import { type FileStatus, statFd } from '../../platform/file-status.js';
import { openAt } from '../../platform/open-file.js';
import { errorCode } from '../../platform/posix-error.js';
import type { XattrTarget } from '../../platform/xattrs.js';
import type { FileEntry } from './file-entry.js';
import { readXattrs } from './scan-entry.js';
import { type ContentSource, marked } from './write-content.js';

const BLOCK_BYTES = 1024 * 1024;
const ZEROES = Buffer.alloc(BLOCK_BYTES);
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

/** Whether one of these names has a regular file with that content, which is asked for anew for each. Throws what its source does. */
export async function hasTwin(
  folder: number,
  names: readonly Buffer[],
  entry: FileEntry,
  open: () => ContentSource,
): Promise<boolean> {
  for (const name of names) if (await isTwin(folder, name, entry, open)) return true;
  return false;
}

async function isTwin(folder: number, name: Buffer, entry: FileEntry, open: () => ContentSource): Promise<boolean> {
  let fd = -1;
  try {
    fd = openAt(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!mayBeTwin(statFd(fd), entry) || !hasItsAttributes(fd, entry)) return false;
    return await hasContent(blocksOf(fd), entry.size, open());
  } catch (error) {
    // What cannot be read is no twin, as far as anybody can tell.
    if (errorCode(error) === undefined) throw error;
    return false;
  } finally {
    if (fd >= 0) fs.closeSync(fd);
  }
}

interface Run {
  readonly start: number;
  readonly end: number;
}

async function hasContent(found: Blocks, size: number, content: ContentSource): Promise<boolean> {
  if (Buffer.isBuffer(content)) return content.length === size && hasBytes(found, 0, content);
  // By their ends: data comes in order, or several stretches of it beside each other, and a long file shall not take memory for each block.
  const runs = new Map<number, Run>();
  if (content) {
    for await (const { offset, data } of marked(content)) {
      if (!(await hasBytes(found, offset, data))) return false;
      const start = runs.get(offset)?.start ?? offset;
      runs.delete(offset);
      runs.set(offset + data.length, { start, end: offset + data.length });
    }
  }
  for (const { start, end } of holesBetween([...runs.values()], size)) {
    for (let at = start; at < end; at += BLOCK_BYTES) {
      if (!(await hasBytes(found, at, ZEROES.subarray(0, end - at)))) return false;
    }
  }
  return true;
}

/** What runs of data, in any order, leave out of a file. */
function holesBetween(runs: Run[], size: number): Run[] {
  const holes: Run[] = [];
  let at = 0;
  for (const { start, end } of [...runs.sort((a, b) => a.start - b.start), { start: size, end: size }]) {
    if (start > at) holes.push({ start: at, end: start });
    at = Math.max(at, end);
  }
  return holes;
}

async function hasBytes(found: Blocks, offset: number, wanted: Buffer): Promise<boolean> {
  for (let at = 0; at < wanted.length; at += BLOCK_BYTES) {
    const block = wanted.subarray(at, at + BLOCK_BYTES);
    if (!(await found(offset + at, block.length)).equals(block)) return false;
  }
  return true;
}

type Blocks = (at: number, length: number) => Promise<Buffer>;

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
