import fs from 'node:fs';
import type { FileStatus } from '../../platform/file-status.js';
import { readLinkAt } from '../../platform/names.js';
import { openAt } from '../../platform/open-file.js';
import { errorCode } from '../../platform/posix-error.js';
import { getXattr, listXattrs, type XattrTarget } from '../../platform/xattrs.js';
import type { ChangeStamp, EntryType, ExtendedAttribute } from './file-entry.js';

/** How coarsely kernels write down the time of a change: by the timer's tick, at 100 Hz at worst. */
const TICK_MS = 25;
/** File systems that keep whole seconds, or pairs of them. */
const COARSE_MS = 2000;

export function stampOf(status: FileStatus, nowMs: number): ChangeStamp {
  const { mode, uid, gid, size, mtimeNs, ctimeNs, ino } = status;
  const granularityMs = ctimeNs % 1_000_000_000n === 0n ? COARSE_MS : TICK_MS;
  return { mode, uid, gid, size, mtimeNs, ctimeNs, ino, settled: Number(ctimeNs / 1_000_000n) + granularityMs < nowMs };
}

export function sameStamp(a: ChangeStamp, b: ChangeStamp): boolean {
  return (
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.ino === b.ino &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid
  );
}

/** The attributes sorted by name; `failed` is told of what could not be read. */
export function readXattrs(target: XattrTarget, failed: (error: unknown) => void): ExtendedAttribute[] {
  const xattrs: ExtendedAttribute[] = [];
  try {
    for (const name of listXattrs(target)) {
      try {
        xattrs.push({ name, value: getXattr(target, name) });
      } catch (error) {
        // Removed since it was listed.
        if (errorCode(error) !== 'ENODATA') failed(error);
      }
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOTSUP') failed(error);
  }
  return xattrs.sort((a, b) => Buffer.compare(a.name, b.name));
}

export interface TypeFields {
  readonly size: number;
  readonly linkTarget?: Buffer;
  readonly device?: { readonly major: number; readonly minor: number };
}

/** What only some types have. */
export function typeFields(type: EntryType, status: FileStatus, dirFd: number, name: Buffer): TypeFields {
  switch (type) {
    case 'file':
      return { size: status.size };
    case 'symlink':
      return { size: 0, linkTarget: readLinkAt(dirFd, name) };
    case 'characterDevice':
    case 'blockDevice':
      return { size: 0, device: { major: status.deviceMajor, minor: status.deviceMinor } };
    case 'directory':
    case 'fifo':
    case 'socket':
      return { size: 0 };
  }
}

/** Opens for reading and leaves the access time alone where the user may ask for that (owner and root). */
export function openQuietly(dirFd: number, name: Buffer, flags: number): number {
  try {
    return openAt(dirFd, name, flags | fs.constants.O_NOATIME);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
    return openAt(dirFd, name, flags);
  }
}
