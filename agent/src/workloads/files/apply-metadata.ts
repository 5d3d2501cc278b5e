import fs from 'node:fs';
import { type FileStatus, statFd } from '../../platform/file-status.js';
import { chmodPathFd, chownFd, KEEP_ID, setMtimeFd, setMtimePathFd } from '../../platform/owner-mode-times.js';
import { errorCode, reasonOf } from '../../platform/posix-error.js';
import { listXattrs, removeXattr, setXattr, type XattrTarget } from '../../platform/xattrs.js';
import type { FileEntry } from './file-entry.js';

export type Metadata = Pick<FileEntry, 'type' | 'mode' | 'uid' | 'gid' | 'mtimeNs' | 'xattrs'>;

export interface MetadataTarget {
  readonly fd: number;
  /** The descriptor only pins the file (`O_PATH`). */
  readonly isPathOnly: boolean;
  /** It may have ACLs already, from the directory above or from before; those that the entry lacks are removed. */
  readonly mayHaveOtherAcl: boolean;
}

const SETUID_SETGID = 0o6000;
const ACL_PREFIX = 'system.posix_acl_';
const ACCESS_ACL = Buffer.from(`${ACL_PREFIX}access`);
const MIB = 1024 * 1024;
/** Less than one percent, in these bounds, is as good as nothing: file systems keep some of it for themselves. */
const NO_ROOM = { least: MIB, most: 16 * MIB };
const LAST_32_BIT_SECOND_NS = 2n ** 31n * 1_000_000_000n;

/**
 * Sets owner, attributes, time and mode, in this order: a change of owner clears file capabilities and setuid, so those come after it, and
 * the mode last, for a file that has its mode is complete. Throws where the file system has no room for them. What the running user or the file system does not allow is
 * reported and not an error. Without the right owner no setuid or setgid bit is set: it would lend another's rights.
 */
export function applyMetadata(target: MetadataTarget, entry: Metadata, report: (message: string) => void): void {
  const { fd } = target;
  const attempt = (what: string, action: () => void): boolean => {
    try {
      action();
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined || isFull(code, fd)) throw error;
      report(`${what}: ${reasonOf(error)}`);
      return false;
    }
  };
  const before = statFd(fd);
  const ownerIsRight = applyOwner(fd, entry, before, attempt);
  const xattrTarget: XattrTarget = target.isPathOnly ? { pathFd: fd } : fd;
  if (target.mayHaveOtherAcl && entry.type !== 'symlink') {
    attempt('other access lists', () => removeOtherAcls(xattrTarget, entry));
  }
  const setXattrs = (areAccessLists: boolean): void => {
    for (const { name, value } of entry.xattrs) {
      if (name.equals(ACCESS_ACL) === areAccessLists)
        attempt(`attribute ${name.toString()}`, () => setXattr(xattrTarget, name, value));
    }
  };
  setXattrs(false);
  attempt('modification time', () => (target.isPathOnly ? setMtimePathFd : setMtimeFd)(fd, entry.mtimeNs));
  // Some file systems cut times to what they can hold, and say nothing.
  if (entry.mtimeNs < 0n || entry.mtimeNs >= LAST_32_BIT_SECOND_NS) {
    if (statFd(fd).mtimeNs !== entry.mtimeNs) report('modification time: the file system cannot hold it');
  }
  // An access list changes the mode.
  setXattrs(true);
  if (entry.type !== 'symlink') applyMode(target, entry, ownerIsRight, attempt, report);
}

/** An attribute that is larger than the file system takes is told with the same code. */
function isFull(code: string, fd: number): boolean {
  if (code !== 'ENOSPC') return code === 'EDQUOT';
  const { bavail, bsize, blocks } = fs.statfsSync(`/proc/self/fd/${fd}`);
  return bavail * bsize < Math.min(NO_ROOM.most, Math.max(NO_ROOM.least, (blocks * bsize) / 100));
}

type Attempt = (what: string, action: () => void) => boolean;

function applyOwner(fd: number, entry: Metadata, before: FileStatus, attempt: Attempt): boolean {
  const { uid, gid } = entry;
  if (before.uid === uid && before.gid === gid) return true;
  const wanted = `owner ${uid}:${gid}`;
  if (attempt(wanted, () => chownFd(fd, uid, gid))) return true;
  // A user may still hand a file to another group of theirs.
  if (before.uid !== uid && before.gid !== gid) {
    try {
      chownFd(fd, KEEP_ID, gid);
    } catch {
      // Reported with the owner.
    }
  }
  return false;
}

function applyMode(
  { fd, isPathOnly }: MetadataTarget,
  entry: Metadata,
  ownerIsRight: boolean,
  attempt: Attempt,
  report: (message: string) => void,
): void {
  const mode = ownerIsRight ? entry.mode : entry.mode & ~SETUID_SETGID;
  const special = entry.mode & SETUID_SETGID;
  if (special && !ownerIsRight) report('setuid and setgid: left out, since the owner is another');
  // The kernel drops setgid silently if the user is not in the group.
  if (
    attempt('mode', () => (isPathOnly ? chmodPathFd : fs.fchmodSync)(fd, mode)) &&
    special &&
    ownerIsRight &&
    statFd(fd).mode !== mode
  ) {
    report('setuid and setgid: not allowed');
  }
}

function removeOtherAcls(target: XattrTarget, entry: Metadata): void {
  for (const name of listXattrs(target)) {
    if (!name.toString('latin1').startsWith(ACL_PREFIX)) continue;
    if (!entry.xattrs.some((xattr) => xattr.name.equals(name))) removeXattr(target, name);
  }
}
