import fs from 'node:fs';
import path from 'node:path';

export interface FolderTotals {
  readonly files: number;
  /** Sum of file sizes. */
  readonly bytes: number;
  /** Sum of occupied blocks. */
  readonly allocated: number;
}

/** Regular files below a folder; what may not be read, or goes away meanwhile, does not count. */
export function folderTotals(folder: string): FolderTotals {
  const totals = { files: 0, bytes: 0, allocated: 0 };
  const pending = [Buffer.from(folder)];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const prefix = Buffer.concat([at, Buffer.from(path.sep)]);
    for (const entry of list(at)) {
      const where = Buffer.concat([prefix, entry.name]);
      if (entry.isDirectory()) pending.push(where);
      else if (entry.isFile()) {
        const stats = fs.lstatSync(where, { throwIfNoEntry: false });
        if (stats === undefined) continue;
        totals.files += 1;
        totals.bytes += stats.size;
        totals.allocated += stats.blocks * 512;
      }
    }
  }
  return totals;
}

function list(folder: Buffer): fs.Dirent<Buffer>[] {
  try {
    return fs.readdirSync(folder, { encoding: 'buffer', withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'ENOENT') return [];
    throw error;
  }
}
