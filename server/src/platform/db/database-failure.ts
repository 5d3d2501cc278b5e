import { HoldfastError } from '@holdfast/core/errors';
import { type DiskTrouble, diskTroubleOf } from '../disk-trouble.js';

const WORDS: Readonly<Record<DiskTrouble, readonly [code: string, message: string]>> = {
  full: ['DATABASE_FULL', "The disk that holds the server's database is full: make room there."],
  'read-only': ['DATABASE_READ_ONLY', "The server's database cannot be written: it, or its disk, is read-only."],
  'io-error': [
    'DATABASE_IO_ERROR',
    "The disk that holds the server's database reports an input/output error: look at that disk.",
  ],
  'out-of-files': ['DATABASE_OUT_OF_FILES', 'The server has too many files open to use its database; try again.'],
  'cannot-open': ['DATABASE_CANNOT_BE_OPENED', "A file of the server's database cannot be opened."],
};

/** What the database could not do for want of a working disk, in words; anything else as it is. Nothing of the transaction remains. */
export function asDatabaseFailure(thrown: unknown): unknown {
  if (thrown instanceof HoldfastError) return thrown;
  const trouble = diskTroubleOf(thrown);
  if (trouble === undefined) return thrown;
  const [code, message] = WORDS[trouble];
  return new HoldfastError({ kind: 'Unavailable', code, message, cause: thrown });
}
