import { HoldfastError } from '@holdfast/core/errors';

const ALLOWED = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u;

/** A user's name as it is stored. Throws Validation on an empty, long or odd one. */
export function parseUserName(name: string): string {
  const normal = name.normalize('NFC').trim();
  if (!ALLOWED.test(normal)) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'USER_NAME',
      message: 'A user name has 1 to 64 letters, digits and . _ @ + -, and begins with a letter or digit.',
    });
  }
  return normal;
}

/** The form in which names are compared, so that `Ada` cannot be mistaken for `ada`. */
export function foldName(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}
