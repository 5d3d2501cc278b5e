import fs from 'node:fs';
import { type FileStatus, statFd } from '../../platform/file-status.js';
import { unlinkAtIfExists } from '../../platform/names.js';
import { openAt } from '../../platform/open-file.js';
import { errorCode, reasonOf } from '../../platform/posix-error.js';
import { applyMetadata, type Metadata } from './apply-metadata.js';
import { writeContent } from './write-content.js';

/** A regular file to be made in an open directory, in whatever thread: where nothing stood at its name, with all its content at hand. */
export interface NewFile {
  readonly dirFd: number;
  readonly name: Buffer;
  /** What it is called until it gets its name; undefined in a directory that nobody else may enter until then: there it lacks its mode. */
  readonly temporary: Buffer | undefined;
  readonly entry: Metadata;
  readonly content: Buffer;
  readonly mayHaveOtherAcl: boolean;
}

export type NewFileResult =
  /** With what could not be set. */
  | { readonly kind: 'restored'; readonly notices: readonly string[] }
  /** It is complete, and still has its temporary name. */
  | { readonly kind: 'unnamed'; readonly notices: readonly string[]; readonly status: FileStatus }
  | { readonly kind: 'refused'; readonly reason: string; readonly code: string }
  /** Its name was taken meanwhile: nothing was made, and somebody has to decide. */
  | { readonly kind: 'undecided' };

/** Makes new files, now or in other threads. Rejects for faults of ours alone. */
export interface NewFileWriters {
  write(file: NewFile): Promise<NewFileResult>;
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
export const NEW_FILE_FLAGS: number = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
/** Of a file that is not complete: nobody else gives a file this one. */
export const INCOMPLETE_MODE = 0o200;

export function writeNewFile({ dirFd, name, temporary, entry, content, mayHaveOtherAcl }: NewFile): NewFileResult {
  const notices: string[] = [];
  let fd = -1;
  let isMade = false;
  let isDone = false;
  try {
    fd = openAt(dirFd, temporary ?? name, NEW_FILE_FLAGS, INCOMPLETE_MODE);
    isMade = true;
    void writeContent(fd, content.length, content);
    applyMetadata({ fd, isPathOnly: false, mayHaveOtherAcl }, entry, (message) => notices.push(message));
    const status = temporary && statFd(fd);
    // Some file systems tell of a failed write no sooner.
    const closed = fd;
    fd = -1;
    fs.closeSync(closed);
    isDone = true;
    return status ? { kind: 'unnamed', notices, status } : { kind: 'restored', notices };
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    if (code === 'EEXIST' && !isMade && temporary === undefined) return { kind: 'undecided' };
    return { kind: 'refused', reason: reasonOf(error), code };
  } finally {
    if (fd >= 0) fs.closeSync(fd);
    if (isMade && !isDone) removeTemporary(dirFd, temporary ?? name);
  }
}

/** Of a temporary name that has become a real one there is nothing left. False if it is a directory's. */
export function removeTemporary(dirFd: number, name: Buffer): boolean {
  try {
    unlinkAtIfExists(dirFd, name);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return code !== 'EISDIR';
  }
  return true;
}
