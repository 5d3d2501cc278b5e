import { unstorable } from '../format/format-errors.js';

/** An object as it is stored: create it under its name if absent, never change it. */
export interface NamedObject {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The checks that readers make, made by a writer: what fails them is the caller's mistake, not damage. */
export function orUnstorable(check: () => void): void {
  try {
    check();
  } catch (cause) {
    throw unstorable('UNSTORABLE_OBJECT', cause instanceof Error ? cause.message : String(cause));
  }
}
