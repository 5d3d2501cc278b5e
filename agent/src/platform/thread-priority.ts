import { clearErrno, lastErrno, native } from './posix.js';
import { PosixError } from './posix-error.js';

/** Lowers the calling thread's claim on the processor; returns the new value, -20 to 19. */
export function nice(increment: number): number {
  // -1 is a valid answer, so only errno tells.
  clearErrno();
  const result = native().nice(increment);
  if (result === -1 && lastErrno() !== 0) throw new PosixError(lastErrno(), 'nice');
  return result;
}
