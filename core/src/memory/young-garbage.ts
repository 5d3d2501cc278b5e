import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * What compressing, sealing, sending and receiving leave behind are short-lived buffers outside of V8's heap. V8 counts them, but answers only
 * with full collections, every 64 MiB in each thread at the latest: they cost up to half of a job's processor time, and what waits for them is most
 * of its memory. A collection of young objects frees the same buffers in a millisecond or two.
 */

type Collect = (options: { readonly type: 'minor' | 'major' }) => void;

let known: Collect | undefined;

function collector(): Collect {
  if (known === undefined) {
    setFlagsFromString('--expose-gc');
    known = runInNewContext('gc') as Collect;
  }
  return known;
}

/** Frees the buffers that this thread has let go of since the last call. */
export function collectYoung(): void {
  collector()({ type: 'minor' });
}

/** Frees everything that this thread has let go of; it stands still meanwhile. */
export function collectAll(): void {
  collector()({ type: 'major' });
  // Memory of buffers is freed beside the next steps of the program; another collection waits for that.
  collector()({ type: 'minor' });
}

/** A thread's heap is not collected in full before it has this, buffers included. */
const THREAD_HEAP_MIB = 32;
/** Room for young objects: too little, and every collection meets many that are still in use. */
const THREAD_YOUNG_MIB = 4;

/**
 * Before anything else in a process through which data streams. V8 counts buffers since its last full collection towards the growth of
 * its heap, so a small heap is collected in full every 16 MiB; let grow to three times its size, it is not. The room for
 * young objects stays as it is at the start; it would grow to 48 MiB in each thread.
 */
export function collectSeldom(): void {
  setFlagsFromString('--heap-growing-percent=200');
  setFlagsFromString('--semi-space-growth-factor=1');
  // Of threads made from now on: buffers of 16 MiB come and go in them, and their own objects are few.
  setFlagsFromString(`--initial-old-space-size=${THREAD_HEAP_MIB}`);
  setFlagsFromString(`--min-semi-space-size=${THREAD_YOUNG_MIB}`);
}

const BYTES_PER_COLLECTION = 16 * 1024 * 1024;

/** Counts the bytes that went through short-lived buffers, and frees those now and then. */
export class YoungGarbage {
  private bytes = 0;

  add(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes < BYTES_PER_COLLECTION) return;
    this.bytes = 0;
    collectYoung();
  }
}
