import { HoldfastError } from '../../errors/index.js';
import { damaged, unstorable } from '../format/format-errors.js';
import { MAX_PACK_BYTES } from '../format/limits.js';
import type { ByteRange } from './object-store.js';

const NAME = /^[a-z0-9][a-z0-9._-]{0,99}(\/[a-z0-9][a-z0-9._-]{0,99}){0,3}$/;

/**
 * One to four segments of lower-case letters, digits, dots, dashes and underscores, none starting with
 * a dot; `pack/` has no folders below it.
 */
export function isObjectName(name: string): boolean {
  return NAME.test(name) && !/^pack\/.*\//.test(name);
}

export function checkObjectName(name: string): void {
  if (!isObjectName(name)) throw unstorable('OBJECT_NAME', 'This is not a name that an object can have.');
}

export function checkRange(name: string, range: ByteRange | undefined, size: number): ByteRange {
  const { offset, length } = range ?? { offset: 0, length: size };
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw unstorable('OBJECT_RANGE', 'An offset and a length are whole numbers, not negative.');
  }
  if (length > MAX_PACK_BYTES)
    throw damaged('OBJECT_TOO_LARGE', `${name} is larger than any object of the format.`, { object: name });
  if (offset + length > size) {
    throw damaged('OBJECT_TOO_SHORT', `${name} ends at ${size} bytes, before the range that was asked for.`, {
      object: name,
    });
  }
  return { offset, length };
}

export function objectNotFound(name: string): HoldfastError {
  return new HoldfastError({
    kind: 'NotFound',
    code: 'OBJECT_NOT_FOUND',
    message: `The store has no object ${name}.`,
    details: { object: name },
  });
}

/** As good as damaged: what was there is not. */
export function objectNotAFile(name: string): HoldfastError {
  return damaged('OBJECT_NOT_A_FILE', `${name} is not a regular file, as every object of a store is.`, {
    object: name,
  });
}

export function shardNotAFolder(shard: string): HoldfastError {
  return damaged(
    'SHARD_NOT_A_FOLDER',
    `Something that is no folder is in the place of the folder of the packs pack/${shard}….`,
    {
      object: `pack/${shard}`,
    },
  );
}

export function writerClosed(): HoldfastError {
  return new HoldfastError({
    kind: 'IllegalState',
    code: 'WRITER_CLOSED',
    message: 'This object was committed or given up before.',
  });
}

const REASONS: Readonly<Record<string, readonly [code: string, words: string]>> = {
  ENOSPC: ['STORE_FULL', 'the store is full: no space is left on its disk'],
  EDQUOT: ['STORE_FULL', 'the store is full: its disk quota is used up'],
  EROFS: ['STORE_READ_ONLY', 'the store is read-only: its file system is mounted so'],
  EACCES: ['STORE_DENIED', 'the store refuses access: the server may not read or write its folder'],
  EPERM: ['STORE_DENIED', 'the store refuses access: the operation is not permitted there'],
  EIO: ['STORE_IO', 'the store fails: its disk reports an input/output error'],
  EUCLEAN: ['STORE_FILE_SYSTEM', 'the store fails: its file system is damaged and needs to be checked'],
  EBADMSG: ['STORE_FILE_SYSTEM', 'the store fails: its file system is damaged and needs to be checked'],
  EMFILE: ['STORE_BUSY', 'the store is busy: the process has too many files open'],
  ENFILE: ['STORE_BUSY', 'the store is busy: the system has too many files open'],
  ENOENT: ['STORE_MISSING', 'the store is not there: its folder is missing; is its disk mounted?'],
  ENOTDIR: ['STORE_MISSING', 'the store is not there: a part of its path is not a folder'],
  ESTALE: ['STORE_MISSING', 'the store is not there: its network file system is stale'],
};

/** What Linux calls errors for which Node has no name. */
const NAMES: Readonly<Record<string, string>> = {
  'Unknown system error -117': 'EUCLEAN',
  'Unknown system error -74': 'EBADMSG',
};

/** Of one file or folder alone, unless others fail alike. */
const OF_ONE: ReadonlySet<string | undefined> = new Set(['EIO', 'EUCLEAN', 'EBADMSG', 'EACCES', 'EPERM', 'ELOOP']);
const BY_ITS_DISK: ReadonlySet<string | undefined> = new Set(['EIO', 'EUCLEAN', 'EBADMSG']);

/** Whether what was looked at may be all that cannot be read in its store. */
export function mayBeAlone(failure: HoldfastError): boolean {
  return failure.kind === 'Integrity' || failure.kind === 'NotFound' || OF_ONE.has(failure.details['errno']);
}

/** Whether the disk, or its file system, cannot give back what was stored. */
export function isFailingDisk(failure: HoldfastError): boolean {
  return BY_ITS_DISK.has(failure.details['errno']);
}

/** A failed system call as the error of the port: Unavailable, with the reason in words. */
export function storeFailure(thrown: unknown, name?: string): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const named = (thrown as NodeJS.ErrnoException | undefined)?.code ?? 'unknown';
  const errno = NAMES[named] ?? named;
  const [code, words] = REASONS[errno] ?? ['STORE_FAILED', `the store fails: ${errno}`];
  return new HoldfastError({
    kind: 'Unavailable',
    code,
    message: `${words[0]?.toUpperCase()}${words.slice(1)}${words.endsWith('?') ? '' : '.'}`,
    details: { errno, ...(name !== undefined && { object: name }) },
    cause: thrown,
  });
}
