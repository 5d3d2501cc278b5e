import { HoldfastError } from '@holdfast/core/errors';

const ALLOWED = /^[\p{L}\p{N}][\p{L}\p{N} ._()-]{0,62}$/u;

/** The name of a thing that people make, as it is stored: trimmed, NFC. Throws Validation; `what` is for the person ("A vault"). */
export function parseName(what: string, name: string): string {
  const normal = name.normalize('NFC').trim();
  if (!ALLOWED.test(normal)) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'NAME',
      message: `${what} name has 1 to 63 letters, digits, spaces and . _ - ( ), and begins with a letter or digit.`,
    });
  }
  return normal;
}
