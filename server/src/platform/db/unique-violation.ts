import { HoldfastError } from '@holdfast/core/errors';
import { UniqueConstraintViolationException } from '@mikro-orm/core';

/** Runs an insert; a row that breaks a unique index becomes the Conflict that the caller is to see. The transaction is lost: throw on. */
export async function orConflict<T>(insert: Promise<T>, code: string, message: string): Promise<T> {
  try {
    return await insert;
  } catch (cause) {
    if (cause instanceof UniqueConstraintViolationException)
      throw new HoldfastError({ kind: 'Conflict', code, message, cause });
    throw cause;
  }
}
