import fs from 'node:fs';
import { type FileStatus, statFd } from '../../platform/file-status.js';
import { errorCode } from '../../platform/posix-error.js';
import { isInFolderOfAnother, isPutByOthers } from '../../platform/workshop.js';
import { getXattr, hasXattr } from '../../platform/xattrs.js';
import type { FileEntry } from './file-entry.js';

const FOR_OTHERS = 0o077;
/** But the owner, by reading or by knowing a name. */
const REACHABLE = 0o055;
const FOR_GROUP = 0o070;
const FOR_EVERYBODY = 0o007;
const GROUP_SHIFT = 3;
const STICKY = 0o1000;
const ACCESS_LIST = Buffer.from('system.posix_acl_access');
const ACCESS_LISTS = [ACCESS_LIST, Buffer.from('system.posix_acl_default')];

/**
 * Whether a folder that was there keeps its owner, mode and times under every conflict mode: others can have put it where it is. In a
 * folder that its owner shares it gets those of the entry if they give nobody more than they have.
 *
 * @param entry undefined if it is not known whose metadata that would be
 */
export function keepsItsMetadata(fd: number, around: FileStatus, entry: FileEntry | undefined): boolean {
  const status = statFd(fd);
  return (
    isPutByOthers(status, around) && (!entry || isInFolderOfAnother(status, around) || givesMore(fd, status, entry))
  );
}

/**
 * The permissions of a folder that is there by which somebody gets at what lies in it whom the entry keeps out. With an access list, those of the
 * group are the most that anybody has whom it names: they say who that is only where both have the same.
 */
export function openedFor(fd: number, { gid, mode }: FileStatus, entry: FileEntry): number {
  const forEverybody = entry.mode & FOR_EVERYBODY;
  const isSameGroup = gid === entry.gid && hasListOf(fd, ACCESS_LIST, entry);
  const forGroup = isSameGroup ? entry.mode & FOR_GROUP : forEverybody << GROUP_SHIFT;
  return mode & ~(forGroup | forEverybody) & REACHABLE;
}

/** Takes these permissions from a folder, which gives nobody more. False if it keeps any. */
export function closeFor(fd: number, entry: FileEntry): boolean {
  const status = statFd(fd);
  try {
    fs.fchmodSync(fd, status.mode & ~openedFor(fd, status, entry));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
  return openedFor(fd, statFd(fd), entry) === 0;
}

function givesMore(fd: number, { uid, gid, mode }: FileStatus, entry: FileEntry): boolean {
  if (uid !== entry.uid || gid !== entry.gid) return true;
  if ((entry.mode & ~mode & FOR_OTHERS) !== 0 || (mode & ~entry.mode & STICKY) !== 0) return true;
  return ACCESS_LISTS.some((name) => !hasListOf(fd, name, entry));
}

function hasListOf(fd: number, name: Buffer, entry: FileEntry): boolean {
  const list = hasXattr(fd, name) ? getXattr(fd, name) : undefined;
  return isSame(list, entry.xattrs.find((each) => each.name.equals(name))?.value);
}

function isSame(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}
