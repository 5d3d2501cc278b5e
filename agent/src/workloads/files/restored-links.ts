import fs from 'node:fs';
import { type FileIdentity, isSameFile, statFd } from '../../platform/file-status.js';
import { linkFdAt } from '../../platform/names.js';
import { O_PATH, openBeneath } from '../../platform/open-file.js';
import { ExchangedError } from '../../platform/workshop.js';

/** A restored member of a hard-link group, to which the others are linked. */
export interface Primary extends FileIdentity {
  /** Relative to the target. */
  readonly path: Buffer;
}

/** The hard-link groups of a restore: the first member that is restored, whichever it is, is what the others link to. */
export class RestoredLinks {
  /** A promise while the member is still being written; it ends with undefined if it came to nothing. */
  private readonly groups = new Map<string, Promise<Primary | undefined>>();

  constructor(private readonly targetFd: number) {}

  /**
   * The member to link to, once it is complete; or, for the first, a function to be called with what became of it. Members that
   * come meanwhile wait for that call.
   */
  async claim(group: Buffer): Promise<Primary | ((primary: Primary | undefined) => void)> {
    const key = group.toString('latin1');
    for (;;) {
      const known = this.groups.get(key);
      if (!known) return this.begin(key);
      const primary = await known;
      if (primary) return primary;
      // Came to nothing: whoever sees it first takes its place.
      if (this.groups.get(key) === known) this.groups.delete(key);
    }
  }

  /** Gives the primary a further name. Throws if it is not what it was; then `replace` makes another member the primary. */
  link(primary: Primary, dirFd: number, name: Buffer): void {
    const fd = openBeneath(this.targetFd, primary.path, O_PATH | fs.constants.O_NOFOLLOW);
    try {
      // A number is given again when its file is gone.
      if (!isSameFile(statFd(fd), primary)) throw new ExchangedError();
      linkFdAt(fd, dirFd, name);
    } finally {
      fs.closeSync(fd);
    }
  }

  replace(group: Buffer, primary: Primary): void {
    this.groups.set(group.toString('latin1'), Promise.resolve(primary));
  }

  private begin(key: string): (primary: Primary | undefined) => void {
    const { promise, resolve } = Promise.withResolvers<Primary | undefined>();
    this.groups.set(key, promise);
    return resolve;
  }
}
