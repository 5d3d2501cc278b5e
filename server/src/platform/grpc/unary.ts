import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { asHoldfastError } from '@holdfast/core/errors';
import type { Log } from '../telemetry/log.js';
import { toGrpcStatus } from './errors.js';

/** A unary handler from a plain async function: what it throws becomes the call's status, and a defect is logged. */
export function unary<Request, Response>(
  log: Log,
  handle: (request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    // A handler may throw before its first await: the promise takes that in too.
    void Promise.resolve()
      .then(() => handle(call.request, call))
      .then(
        (response) => callback(null, response),
        (thrown: unknown) => {
          if (asHoldfastError(thrown).kind === 'Internal')
            log.error({ err: thrown, method: call.getPath() }, 'grpc.defect');
          callback(toGrpcStatus(thrown));
        },
      );
  };
}
