import fs from 'node:fs';
import { deviceNumber, type FileStatus, statFd } from '../../platform/file-status.js';
import { O_PATH, openAt } from '../../platform/open-file.js';
import { AT_FDCWD } from '../../platform/posix.js';

/** A folder, by whatever name it is reached on this host. */
export interface FolderIdentity {
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly inode: bigint;
}

const { O_DIRECTORY } = fs.constants;
const ABOVE = Buffer.from('..');

/** Folders that are told by what they are, for paths, links and mounts lead to one folder under many names. */
export class FolderSet {
  private readonly identities: ReadonlySet<string>;

  /** A path where nothing is stands for nothing. */
  constructor(paths: readonly Buffer[], folders: readonly FolderIdentity[]) {
    this.identities = new Set([
      ...paths.flatMap((path) => withFolder(path, (fd) => identity(statFd(fd))) ?? []),
      ...folders.map(({ deviceMajor, deviceMinor, inode }) =>
        identity({ dev: deviceNumber(deviceMajor, deviceMinor), ino: inode }),
      ),
    ]);
  }

  has(folder: Pick<FileStatus, 'dev' | 'ino'>): boolean {
    return this.identities.has(identity(folder));
  }

  /** Whether the open folder is one of them or lies in one. */
  holds(folder: number): boolean {
    let status = statFd(folder);
    let fd = openAt(folder, ABOVE, O_PATH | O_DIRECTORY);
    try {
      for (;;) {
        if (this.has(status)) return true;
        const above = statFd(fd);
        if (identity(above) === identity(status)) return false;
        status = above;
        const next = openAt(fd, ABOVE, O_PATH | O_DIRECTORY);
        fs.closeSync(fd);
        fd = next;
      }
    } finally {
      fs.closeSync(fd);
    }
  }
}

function identity(status: Pick<FileStatus, 'dev' | 'ino'>): string {
  return `${status.dev}:${status.ino}`;
}

/** Undefined where no folder is. */
function withFolder<T>(path: Buffer, use: (fd: number) => T): T | undefined {
  let fd: number;
  try {
    fd = openAt(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  } catch {
    return undefined;
  }
  try {
    return use(fd);
  } finally {
    fs.closeSync(fd);
  }
}
