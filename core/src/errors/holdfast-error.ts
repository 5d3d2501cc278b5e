import type { ErrorKind } from './error-table.js';

/** Facts for people and scripts: ids, names, sizes. Never a secret, never file content. */
export type ErrorDetails = Readonly<Record<string, string>>;

export interface HoldfastErrorInit {
  readonly kind: ErrorKind;
  /** Machine-readable reason, finer than the kind: `STORE_FULL`, `POLICY_NAME_TAKEN`. */
  readonly code: string;
  readonly message: string;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/**
 * The only error type that crosses a module boundary. `kind` decides what every door does with
 * it (see the table), `code` tells scripts why, `message` tells people.
 */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(init: HoldfastErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.kind = init.kind;
    this.code = init.code;
    this.details = init.details ?? {};
  }
}

/** Anything thrown, as a HoldfastError: what is not one already is a defect, kind Internal. */
export function asHoldfastError(thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new HoldfastError({ kind: 'Internal', code: 'UNEXPECTED', message, cause: thrown });
}

export function isHoldfastError(thrown: unknown, kind?: ErrorKind): thrown is HoldfastError {
  return thrown instanceof HoldfastError && (kind === undefined || thrown.kind === kind);
}
