import fs from 'node:fs';
import { type FileStatus, statAtIfExists, statFd } from './file-status.js';
import {
  makeDirectoryAt,
  NO_SAFE_RENAME,
  readNames,
  removeDirectoryAt,
  renameAt,
  renameNoReplaceAt,
  unlinkAtIfExists,
} from './names.js';
import { openAt } from './open-file.js';
import { errorCode, PosixError } from './posix-error.js';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
export const FOLDER_FLAGS: number = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const PERMISSIONS = 0o777;
/** That no file system gives by itself. */
const ODD_MODE = 0o421;
const WRITABLE_FOR_OTHERS = 0o022;
const STICKY = 0o1000;
const EEXIST = 17;

type Holder = Pick<FileStatus, 'uid' | 'mode'>;

/** Of a folder: nobody else gets in, whatever lies in it. */
export function isPrivate({ uid, mode }: Holder): boolean {
  return isOurs(uid) && (mode & PERMISSIONS) === 0o700;
}

/** Of a folder: nobody else gives or takes names in it. An access list that lets others write shows in the mode, too. */
export function isHeldByUs({ uid, mode }: Holder): boolean {
  return isOurs(uid) && (mode & WRITABLE_FOR_OTHERS) === 0;
}

/** Of a folder: nobody but root and us gives or takes names in it. */
export function isTrusted({ uid, mode }: Holder): boolean {
  return isOfUsOrRoot(uid) && (mode & WRITABLE_FOR_OTHERS) === 0;
}

/** Of a folder: what root or we have in it stays what it is, whoever else may write there. */
export function keepsWhatIsOurs({ uid, mode }: Holder): boolean {
  return isOfUsOrRoot(uid) && ((mode & WRITABLE_FOR_OTHERS) === 0 || (mode & STICKY) !== 0);
}

export function isOfUsOrRoot(uid: number): boolean {
  return uid === 0 || isOurs(uid);
}

function isOurs(uid: number): boolean {
  return uid === process.geteuid?.();
}

/** Of a folder: somebody else than its owner, root or us can have put it where it is. */
export function isPutByOthers(folder: Holder, around: Holder): boolean {
  if (isInFolderOfAnother(folder, around)) return true;
  // Whoever moves a folder to another one writes to it.
  const canBeMoved = (around.mode & STICKY) === 0 || (folder.mode & WRITABLE_FOR_OTHERS) !== 0;
  return (around.mode & WRITABLE_FOR_OTHERS) !== 0 && canBeMoved;
}

/** Of a folder: the one around it is another user's, who can have put it there. */
export function isInFolderOfAnother({ uid }: Holder, around: Holder): boolean {
  return !isOfUsOrRoot(around.uid) && uid !== around.uid;
}

/** Something else is at a name than what was made there. */
export class ExchangedError extends Error {
  override readonly name = 'ExchangedError';

  constructor() {
    super('it was exchanged while restoring');
  }
}

/**
 * A folder that nobody else gets into, inside one where others can give and take names. Most things cannot be made and opened in one
 * call: in between, somebody exchanges them, and what is then changed is another's. Here they are made, opened and completed, and only
 * then get their name beside it.
 */
export class Workshop {
  private constructor(
    readonly fd: number,
    private readonly folder: number,
    private readonly name: Buffer,
    /** What we make here is ours and keeps its mode. On some file systems everything is one user's, or has one mode. */
    readonly closesFolders: boolean,
  ) {}

  /**
   * Throws an `ExchangedError` if what is at its name is not what was made there: by its owner, its mode and its time of birth, all compared
   * with those of a file made right before, for a file is made and opened at once. So this holds by whichever clock and for whatever
   * owners the file system knows; where it keeps no modes, nothing can be kept from anybody. What was made and refused for its mode alone is removed.
   */
  static open(folder: number, temporaryName: () => Buffer): Workshop {
    const { witness, keepsModes } = witnessIn(folder, temporaryName());
    const name = temporaryName();
    makeDirectoryAt(folder, name, 0o700);
    const fd = openAt(folder, name, FOLDER_FLAGS);
    try {
      const made = statFd(fd);
      if (!isNoOlder(made, witness) || readNames(fd).length > 0) throw new ExchangedError();
      if (keepsModes && (made.mode & PERMISSIONS) !== 0o700) {
        // Without a time of birth it may be anybody's.
        if (made.birthNs !== undefined) removeEmpty(folder, name);
        throw new ExchangedError();
      }
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
    return new Workshop(fd, folder, name, isOurs(witness.uid) && keepsModes);
  }

  close(): void {
    fs.closeSync(this.fd);
    removeEmpty(this.folder, this.name);
  }
}

function removeEmpty(folder: number, name: Buffer): void {
  try {
    removeDirectoryAt(folder, name);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

function witnessIn(folder: number, name: Buffer): { readonly witness: FileStatus; readonly keepsModes: boolean } {
  const fd = openAt(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    return { witness: statFd(fd), keepsModes: keepsMode(fd) };
  } finally {
    fs.closeSync(fd);
    unlinkAtIfExists(folder, name);
  }
}

/** The mode that a file was made with says nothing: it may be the one that all have. */
function keepsMode(fd: number): boolean {
  try {
    fs.fchmodSync(fd, ODD_MODE);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
  return (statFd(fd).mode & PERMISSIONS) === ODD_MODE;
}

/** Whether a folder can have been made after a file by the same user. */
function isNoOlder(made: FileStatus, witness: FileStatus): boolean {
  if (made.type !== 'directory' || made.uid !== witness.uid) return false;
  return made.birthNs === undefined || witness.birthNs === undefined || made.birthNs >= witness.birthNs;
}

/** Gives a folder another name. Fails with `EEXIST` if that is taken; where the file system cannot tell, an empty folder that comes in this very moment is lost. */
export function renameFolder(from: number, name: Buffer, to: number, newName: Buffer): void {
  try {
    renameNoReplaceAt(from, name, to, newName);
  } catch (error) {
    if (!NO_SAFE_RENAME.has(errorCode(error) ?? '')) throw error;
    if (statAtIfExists(to, newName)) throw new PosixError(EEXIST, 'renameat', newName.toString());
    renameAt(from, name, to, newName);
  }
}

/**
 * Makes a folder and opens it, the very one, whatever others do in the folder around it. Undefined if its name is taken.
 *
 * @param before called when it is made and does not have its name yet
 */
export function makeFolderIn(
  workshop: Workshop,
  folder: number,
  name: Buffer,
  { mode, temporary, before }: { mode: number; temporary: Buffer; before?: (made: FileStatus) => void },
): number | undefined {
  makeDirectoryAt(workshop.fd, temporary, mode);
  let fd = -1;
  let isNamed = false;
  try {
    fd = openAt(workshop.fd, temporary, FOLDER_FLAGS);
    before?.(statFd(fd));
    renameFolder(workshop.fd, temporary, folder, name);
    isNamed = true;
    return fd;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return undefined;
    throw error;
  } finally {
    if (!isNamed) {
      if (fd >= 0) fs.closeSync(fd);
      removeDirectoryAt(workshop.fd, temporary);
    }
  }
}
