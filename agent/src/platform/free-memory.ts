import { collectAll } from '@holdfast/core/memory';
import { native, unsupportedReason } from './posix.js';

/**
 * Gives back to the host what jobs have left behind. The C library keeps freed memory for whoever asks next. The thread
 * stands still meanwhile, so not while a job runs.
 */
export function freeMemory(): void {
  collectAll();
  if (unsupportedReason() === undefined) native().mallocTrim?.(0);
}
