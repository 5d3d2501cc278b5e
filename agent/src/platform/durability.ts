import fs from 'node:fs';
import { openAt } from './open-file.js';
import { AT_FDCWD, lastErrno, native } from './posix.js';
import { PosixError } from './posix-error.js';

/** Makes everything written to the descriptor's file system durable, on a thread of its own. */
export function syncFileSystem(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    native().syncfs.async(fd, (error, result) => {
      if (error) reject(error);
      else if (result < 0) reject(new PosixError(lastErrno(), 'syncfs'));
      else resolve();
    });
  });
}

/** Makes names made, renamed or removed in a directory durable. */
export function syncDirectory(path: Uint8Array): void {
  const fd = openAt(AT_FDCWD, path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
