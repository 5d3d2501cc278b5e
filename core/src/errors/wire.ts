import { ERROR_TABLE, kindOfCode } from './error-table.js';
import { asHoldfastError, HoldfastError } from './holdfast-error.js';

/**
 * An error as it travels: in-band on a stream, in gRPC metadata, in GraphQL extensions. `code` is
 * the table's code; the finer reason travels in `details.reason`.
 */
export interface WireError {
  code: string;
  message: string;
  details: Record<string, string>;
}

const MASKED = 'An internal error occurred; the server log has the reason.';

/** What may leave the process: an Internal error loses its message and details, for they may name anything. */
export function toWireError(thrown: unknown): WireError {
  const error = asHoldfastError(thrown);
  const code = ERROR_TABLE[error.kind].graphqlCode;
  if (error.kind === 'Internal') return { code, message: MASKED, details: { reason: 'INTERNAL' } };
  return { code, message: error.message, details: { ...error.details, reason: error.code } };
}

/** The error that the other side meant. A code that is not in the table becomes Internal, its words kept. */
export function fromWireError(wire: WireError): HoldfastError {
  const { reason, ...details } = wire.details;
  return new HoldfastError({
    kind: kindOfCode(wire.code) ?? 'Internal',
    code: reason ?? wire.code,
    message: wire.message,
    details,
  });
}
