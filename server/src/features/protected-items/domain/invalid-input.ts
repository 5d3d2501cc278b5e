import { HoldfastError } from '@holdfast/core/errors';

/** A refusal that names the field of the input, as a path like `files.roots.0`. */
export function invalidInput(field: string, code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code, message, details: { field } });
}
