import { type FileStatus, statAtIfExists } from '../../platform/file-status.js';
import {
  linkAt,
  NO_SAFE_RENAME,
  removeDirectoryAt,
  renameAt,
  renameNoReplaceAt,
  unlinkAt,
} from '../../platform/names.js';
import { errorCode, PosixError } from '../../platform/posix-error.js';
import { type FileEntry, joinPath } from './file-entry.js';
import { alternativeName, findEarlier, isEmptyFolder, isWhatItWas, RestoreConflictError } from './restore-conflict.js';
import type { JournalledDirectory, Made } from './restore-journal.js';
import type { RestoreRun } from './restore-run.js';
import { hasItsAttributes, mayBeTwin } from './restore-twins.js';

/** Where an entry comes to lie. */
export interface Place {
  readonly name: Buffer;
  /** Something is there that shall go. */
  readonly replace: boolean;
  /** Names of what may be the very file that shall come to lie beside it: its content has to be compared. */
  readonly twins?: readonly Buffer[];
}

/** What was made and has no name of its own yet. */
export interface Temporary {
  /** The directory itself, or the workshop in it. */
  readonly dirFd: number;
  readonly name: Buffer;
}

/** The entry itself is there, from an earlier attempt. */
export interface RestoredEarlier {
  readonly name: Buffer;
  readonly status: FileStatus;
}

export type Choice = Place | RestoredEarlier | 'skipped';

export function isPlace(choice: Choice): choice is Place {
  return choice !== 'skipped' && 'replace' in choice;
}

const MAX_ATTEMPTS = 100;
const EEXIST = 17;
/** What says that it has no hard links, or no more for this file. */
export const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'];

/** The names in one directory of a restore: which one an entry gets, and how it gets it. */
export class RestorePlaces {
  constructor(
    private readonly run: RestoreRun,
    private readonly fd: number,
    /** Relative to the target. */
    private readonly path: Buffer,
    /** The restore made the directory itself: what else may be in it shows when a name is taken. */
    private readonly isNew: boolean,
    readonly journal: JournalledDirectory,
  ) {}

  below(name: Buffer): Buffer {
    return this.path.length === 0 ? name : joinPath(this.path, name);
  }

  existing(name: Buffer): FileStatus | undefined {
    return statAtIfExists(this.fd, name);
  }

  /** Where the entry shall lie as far as one knows before it is made. Throws a `RestoreConflictError` under FAIL. */
  choose(entry: FileEntry): Choice {
    return this.decide(entry, this.isNew ? undefined : this.existing(entry.name));
  }

  /** Where the entry shall lie, given what stands at its name. Throws a `RestoreConflictError` under FAIL. */
  decide(entry: FileEntry, existing: FileStatus | undefined): Choice {
    const { name } = entry;
    if (!existing) return { name, replace: false };
    const earlier = this.ofEarlierAttempt(entry, name, existing);
    if (earlier) return earlier;
    switch (this.run.onConflict) {
      case 'FAIL':
        throw new RestoreConflictError(this.run.absolute(this.below(name)));
      case 'SKIP':
        return this.run.skipped();
      case 'OVERWRITE':
        if (entry.type !== 'directory' && existing.type === 'directory' && !isEmptyFolder(this.fd, name))
          return this.folderStays(entry);
        return { name, replace: true };
      case 'KEEP_BOTH':
        return this.beside(entry, existing);
    }
  }

  private beside(entry: FileEntry, existing: FileStatus): Choice {
    const twins: Buffer[] = [];
    let name = entry.name;
    let there: FileStatus | undefined = existing;
    for (let n = 1; there; n++) {
      if (mayBeTwin(there, entry)) {
        if (entry.type === 'file') twins.push(name);
        else if (isWhatItWas(this.fd, name, there, entry) && hasItsAttributes({ dirFd: this.fd, name }, entry))
          return this.run.skipped();
      }
      name = alternativeName(entry.name, n);
      there = this.existing(name);
      const ours = there && this.ofEarlierAttempt(entry, name, there);
      if (ours) return ours;
    }
    return { name, replace: false, twins };
  }

  /** What is in it may be all there is of it. */
  private folderStays(entry: FileEntry): 'skipped' {
    this.run.notice(
      'skipped',
      this.below(entry.name),
      'a folder that is not empty has this name: it stays, and this was not restored',
    );
    return this.run.skipped();
  }

  private ofEarlierAttempt(entry: FileEntry, name: Buffer, status: FileStatus): Place | RestoredEarlier | undefined {
    // Then whatever is there shall become what it was, also where its metadata alone were changed.
    if (this.run.onConflict === 'OVERWRITE') return undefined;
    switch (findEarlier(this.journal, this.fd, name, status, entry)) {
      case 'complete':
        return { name, status };
      case 'made':
        return { name, replace: true };
      case undefined:
        return undefined;
    }
  }

  /**
   * Has what was made of the entry put in its place, or in another if that is taken meanwhile. Answers with the place that it has now; with anything
   * else if it was given none, for the entry is there by now or is skipped.
   */
  put(entry: FileEntry, first: Place, made: Made | undefined, put: (place: Place) => void): Choice {
    let place = first;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        if (made && (!place.replace || this.run.onConflict !== 'OVERWRITE')) this.journal.willName(place.name, made);
        put(place);
        return place;
      } catch (error) {
        if (errorCode(error) === 'ENOTEMPTY' && this.run.onConflict === 'OVERWRITE') return this.folderStays(entry);
        // Somebody took the name since we looked.
        if (errorCode(error) !== 'EEXIST' || place.replace) throw error;
      }
      const next = this.decide(entry, this.existing(entry.name));
      if (!isPlace(next)) return next;
      place = next;
    }
    throw new PosixError(EEXIST, 'renameat2', entry.name.toString());
  }

  /** Gives a complete temporary file its name. */
  publish(temporary: Temporary, place: Place): void {
    if (place.replace) {
      this.renameOver(temporary, place.name);
      return;
    }
    try {
      renameNoReplaceAt(temporary.dirFd, temporary.name, this.fd, place.name);
    } catch (error) {
      if (!NO_SAFE_RENAME.has(errorCode(error) ?? '')) throw error;
      this.renameByLink(temporary, place.name);
    }
  }

  /** An empty directory gives way, any other does not. */
  renameOver(temporary: Temporary, name: Buffer): void {
    try {
      renameAt(temporary.dirFd, temporary.name, this.fd, name);
    } catch (error) {
      if (errorCode(error) !== 'EISDIR') throw error;
      removeDirectoryAt(this.fd, name);
      renameAt(temporary.dirFd, temporary.name, this.fd, name);
    }
  }

  /** A hard link fails if the name is taken. Where there are none either, a name taken in this very moment is lost. */
  private renameByLink(temporary: Temporary, name: Buffer): void {
    try {
      linkAt(temporary.dirFd, temporary.name, this.fd, name);
      unlinkAt(temporary.dirFd, temporary.name);
    } catch (error) {
      if (!NO_HARD_LINKS.includes(errorCode(error) ?? '')) throw error;
      if (this.existing(name)) throw new PosixError(EEXIST, 'renameat', name.toString());
      renameAt(temporary.dirFd, temporary.name, this.fd, name);
    }
  }
}
