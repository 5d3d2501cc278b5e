import fs from 'node:fs';
import { type FileStatus, statFd } from './file-status.js';
import { makeDirectoryAt, readLinkAt, removeDirectoryAt } from './names.js';
import { O_PATH, openAt } from './open-file.js';
import { AT_FDCWD } from './posix.js';
import { errorCode, PosixError } from './posix-error.js';
import { leftoversIn, TemporaryNames } from './temporary-names.js';
import { FOLDER_FLAGS, isOfUsOrRoot, isTrusted, keepsWhatIsOurs, makeFolderIn, Workshop } from './workshop.js';

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const SLASH = 0x2f;
const ROOT = Buffer.from('/');
const ITSELF = Buffer.alloc(0);
const ITS_OWN = Buffer.from('.');
const ABOVE = Buffer.from('..');
const MAX_LINKS = 40;
const ENOENT = 2;
const ELOOP = 40;

/** A symbolic link on the way to a folder that somebody else could have made or put there. */
export class UntrustedLinkError extends Error {
  override readonly name = 'UntrustedLinkError';

  constructor(readonly link: Buffer) {
    super(`${link.toString()} is a symbolic link that is not trusted`);
  }
}

/** What there is of the way to a folder. Whoever gets it closes `fd`. */
export interface FoundFolder {
  /** Pins (`O_PATH`) the folder, or of those above it the last that there is. */
  readonly fd: number;
  /** What has to be made below that. */
  readonly missing: readonly Buffer[];
}

/**
 * Goes an absolute path name by name. A symbolic link is followed only if it is root's or our own and lies in a folder that nobody else may write to: others can have
 * moved it there, also where the sticky bit is set. Otherwise an `UntrustedLinkError` is thrown. Throws what the system says of everything else. What was found is pinned: whoever uses
 * it needs not look for it again.
 */
export function findFolder(path: Buffer): FoundFolder {
  let fd = openAt(AT_FDCWD, ROOT, O_PATH | O_DIRECTORY);
  let toGo: readonly Step[] = namesOf(path).map((name) => ({ name, isOfLink: false }));
  let links = 0;
  const goTo = (next: number): void => {
    fs.closeSync(fd);
    fd = next;
  };
  try {
    for (let step = toGo[0]; step; step = toGo[0]) {
      const { name, isOfLink } = step;
      const next = openFolder(fd, name);
      if (next === 'absent') {
        const missing = toGo.map((each) => each.name);
        if (isOfLink || missing.some((each) => each.equals(ABOVE)))
          throw new PosixError(ENOENT, 'openat', path.toString());
        return { fd, missing };
      }
      toGo = toGo.slice(1);
      const here = statFd(fd);
      if (typeof next === 'number') {
        goTo(next);
        continue;
      }
      if (!isOfUsOrRoot(next.uid) || !isTrusted(here)) throw new UntrustedLinkError(below(fd, name));
      if (++links > MAX_LINKS) throw new PosixError(ELOOP, 'openat', path.toString());
      toGo = [...namesOf(next.target).map((each) => ({ name: each, isOfLink: true })), ...toGo];
      if (next.target[0] === SLASH) goTo(openAt(AT_FDCWD, ROOT, O_PATH | O_DIRECTORY));
    }
    return { fd, missing: [] };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** Where the folder lies, or will once it is made. */
export function locationOf({ fd, missing }: FoundFolder): Buffer {
  return missing.reduce(join, locationOfFd(fd));
}

export function locationOfFd(fd: number): Buffer {
  return fs.readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' });
}

/** Of the folder in which an open one lies. */
export function statusAround(fd: number): FileStatus {
  const around = openAt(fd, ABOVE, O_PATH | O_DIRECTORY);
  try {
    return statFd(around);
  } finally {
    fs.closeSync(around);
  }
}

/**
 * Opens the folder to read it, and makes what is missing. Leaves what was found open.
 *
 * @param mark part of the temporary names of all attempts to make it that never run at one time, and of no others': what one that was killed left is removed
 */
export function openFound(
  { fd, missing }: FoundFolder,
  mode: number,
  mark?: string,
): { readonly fd: number; readonly isNew: boolean } {
  if (mark !== undefined) {
    // Only the first that is missing is made among others: what was killed was making it, or had just made what is found now.
    removeLeftovers(fd, ABOVE, mark);
    if (missing.length > 0) removeLeftovers(fd, ITS_OWN, mark);
  }
  let opened = {
    fd: openAt(fd, ITS_OWN, missing.length > 0 ? O_PATH | O_DIRECTORY : FOLDER_FLAGS),
    isNew: false,
  };
  for (const [index, name] of missing.entries()) {
    const above = opened.fd;
    try {
      opened = makeAndOpen(above, name, mode, mark);
      // Whatever the umask: others have to pass through it.
      if (opened.isNew && index < missing.length - 1) fs.fchmodSync(opened.fd, mode);
    } finally {
      fs.closeSync(above);
    }
  }
  return opened;
}

function makeAndOpen(
  folder: number,
  name: Buffer,
  mode: number,
  mark = '',
): { readonly fd: number; readonly isNew: boolean } {
  if (keepsWhatIsOurs(statFd(folder))) {
    const isNew = isMade(folder, name, mode);
    return { fd: openAt(folder, name, FOLDER_FLAGS), isNew };
  }
  const names = new TemporaryNames(mark);
  const workshop = Workshop.open(folder, () => names.next());
  try {
    const made = makeFolderIn(workshop, folder, name, { mode, temporary: names.next() });
    // Somebody else made it meanwhile.
    return { fd: made ?? openAt(folder, name, FOLDER_FLAGS), isNew: made !== undefined };
  } finally {
    workshop.close();
  }
}

/**
 * Removes the workshops in which attempts with that mark were killed, with the folder in each. Nothing but empty folders goes: whoever gave another that name
 * could have removed it, too.
 */
function removeLeftovers(fd: number, path: Buffer, mark: string): void {
  try {
    const folder = openAt(fd, path, O_PATH | O_DIRECTORY);
    try {
      if (!keepsWhatIsOurs(statFd(folder)))
        for (const name of leftoversBelow(folder, mark)) removeWorkshop(folder, name, mark);
    } finally {
      fs.closeSync(folder);
    }
  } catch (error) {
    // One that may not be read is in nobody's way.
    if (errorCode(error) === undefined) throw error;
  }
}

function removeWorkshop(folder: number, name: Buffer, mark: string): void {
  try {
    const workshop = openAt(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    try {
      for (const inside of leftoversBelow(workshop, mark)) removeDirectoryAt(workshop, inside);
    } finally {
      fs.closeSync(workshop);
    }
    removeDirectoryAt(folder, name);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/** Of a folder that is only pinned. */
function leftoversBelow(folder: number, mark: string): Buffer[] {
  const fd = openAt(folder, ITS_OWN, FOLDER_FLAGS);
  try {
    return leftoversIn(fd, mark);
  } finally {
    fs.closeSync(fd);
  }
}

/** False if somebody else made it meanwhile. */
function isMade(folder: number, name: Buffer, mode: number): boolean {
  try {
    makeDirectoryAt(folder, name, mode);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

interface Step {
  readonly name: Buffer;
  /** A link leads there: what it leads to is not made. */
  readonly isOfLink: boolean;
}

/** The folder of a name, or what there is to be known of a link that has it. */
function openFolder(fd: number, name: Buffer): number | 'absent' | { readonly uid: number; readonly target: Buffer } {
  try {
    return openAt(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return 'absent';
    if (code !== 'ENOTDIR' && code !== 'ELOOP') throw error;
    return openLink(fd, name, error);
  }
}

function openLink(fd: number, name: Buffer, error: unknown): { readonly uid: number; readonly target: Buffer } {
  const link = openAt(fd, name, O_PATH | O_NOFOLLOW);
  try {
    const { type, uid } = statFd(link);
    if (type !== 'symlink') throw error;
    return { uid, target: readLinkAt(link, ITSELF) };
  } finally {
    fs.closeSync(link);
  }
}

function below(fd: number, name: Buffer): Buffer {
  return join(locationOfFd(fd), name);
}

function join(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat(folder.equals(ROOT) ? [folder, name] : [folder, ROOT, name]);
}

function namesOf(path: Buffer): Buffer[] {
  const names = path.toString('latin1').split('/');
  return names.filter((name) => name !== '' && name !== '.').map((name) => Buffer.from(name, 'latin1'));
}
