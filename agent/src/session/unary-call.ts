import type { CallOptions, ClientUnaryCall, ServiceError } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { fromGrpcError } from './grpc-error.js';

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** One call as a promise: rejects with a HoldfastError, with Cancelled when the signal fires. */
export function callUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  timing: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Response> {
  const { signal, timeoutMs } = timing;
  if (signal?.aborted === true) return Promise.reject(stopped(signal));
  return new Promise((resolve, reject) => {
    const stop = (): void => call.cancel();
    const call = method(request, new Metadata(), { deadline: systemClock.now() + timeoutMs }, (error, response) => {
      signal?.removeEventListener('abort', stop);
      if (error === null) resolve(response);
      else reject(signal?.aborted === true ? stopped(signal) : fromGrpcError(error));
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}

export function stopped(signal: AbortSignal): HoldfastError {
  return new HoldfastError({
    kind: 'Cancelled',
    code: 'JOB_STOPPED',
    message: 'The job was stopped.',
    cause: signal.reason,
  });
}
