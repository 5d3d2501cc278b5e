import { type ErrorDetails, HoldfastError } from '../../errors/index.js';

/** Stored bytes are not what their writer stored, or break a rule of the format. */
export function damaged(code: string, message: string, details?: ErrorDetails, cause?: unknown): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code,
    message,
    ...(details && { details }),
    ...(cause !== undefined && { cause }),
  });
}

/** A caller handed the engine something that must not be stored. */
export function unstorable(code: string, message: string, details?: ErrorDetails): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code, message, ...(details && { details }) });
}

/** A key does not open what it should. */
export function wrongKey(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'WrongKey', code, message });
}
