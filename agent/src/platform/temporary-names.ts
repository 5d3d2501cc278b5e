import { randomBytes } from 'node:crypto';
import { readNames } from './names.js';

const TEMPORARY = '.holdfast-restore-';

/** Names that nothing else has, for what a restore makes: a crash can leave such behind, and nothing else. */
export class TemporaryNames {
  private readonly marker = randomBytes(8).toString('hex');
  private count = 0;

  /** @param mark part of the names of all attempts that never run at one time, and of no others' */
  constructor(private readonly mark: string) {}

  next(): Buffer {
    return Buffer.from(`${TEMPORARY}${this.mark}${this.marker}-${this.count++}`);
  }
}

/**
 * Names in a folder that attempts with that mark gave.
 *
 * @param fd of the folder, open to be read
 */
export function leftoversIn(fd: number, mark: string): Buffer[] {
  const names = readNames(fd).filter((name) => name.startsWith(`${TEMPORARY}${mark}`));
  return names.map((name) => Buffer.from(name, 'latin1'));
}
