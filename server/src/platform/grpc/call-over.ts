import type { ServerUnaryCall } from '@grpc/grpc-js';
import { HoldfastError } from '@holdfast/core/errors';

/** Fires when nobody waits for the call's answer any more: its caller has left, or its deadline has passed. */
export function callOver<Request, Response>(call: ServerUnaryCall<Request, Response>): AbortSignal {
  const over = new AbortController();
  const leave = (): void =>
    over.abort(new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'The caller has gone.' }));
  if (call.cancelled) leave();
  else call.once('cancelled', leave);
  return over.signal;
}
