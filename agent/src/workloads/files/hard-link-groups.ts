import type { FileStatus } from '../../platform/file-status.js';

/**
 * Which of the names met so far are links to one file. A group is forgotten once all its links were met, so the table
 * holds only groups that the walk is still inside of, or that reach outside the roots.
 */
export class HardLinkGroups {
  private readonly open = new Map<string, { readonly group: Buffer; remaining: number }>();

  /** The path of the group's first member, which may be this one; undefined for a file with one name. */
  groupOf(status: FileStatus, path: Buffer): Buffer | undefined {
    if (status.nlink < 2) return undefined;
    const key = `${status.dev}:${status.ino}`;
    const known = this.open.get(key);
    if (!known) {
      this.open.set(key, { group: path, remaining: status.nlink - 1 });
      return path;
    }
    known.remaining--;
    if (known.remaining === 0) this.open.delete(key);
    return known.group;
  }
}
