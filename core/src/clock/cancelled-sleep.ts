import { HoldfastError } from '../errors/index.js';

export function cancelledSleep(signal: AbortSignal | undefined): HoldfastError {
  return new HoldfastError({
    kind: 'Cancelled',
    code: 'WAIT_CANCELLED',
    message: 'The wait was cancelled.',
    cause: signal?.reason,
  });
}
