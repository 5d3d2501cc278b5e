import { HoldfastError } from '@holdfast/core/errors';

/** What a backup ends with rather than leave out what the host was too short of something to look at. */
export function hostExhausted(what: string): HoldfastError {
  return new HoldfastError({
    kind: 'Unavailable',
    code: 'HOST_EXHAUSTED',
    message: `The host ran short of a resource: ${what}`,
  });
}
