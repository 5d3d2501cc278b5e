import type { ServerWritableStream } from '@grpc/grpc-js';
import { asHoldfastError } from '@holdfast/core/errors';
import { toGrpcStatus } from '../../platform/grpc/errors.js';
import type { Log } from '../../platform/telemetry/log.js';
import { MessageSender } from './message-sender.js';

/** A server-streaming handler from an async generator of messages and their sizes; what it throws ends the stream as a status. */
export function serveStream<Request, Response>(
  log: Log,
  produce: (
    call: ServerWritableStream<Request, Response>,
  ) => AsyncGenerator<{ readonly message: Response; readonly bytes: number }>,
): (call: ServerWritableStream<Request, Response>) => void {
  return (call) => void run(call, produce, log);
}

async function run<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  produce: (
    call: ServerWritableStream<Request, Response>,
  ) => AsyncGenerator<{ readonly message: Response; readonly bytes: number }>,
  log: Log,
): Promise<void> {
  const sender = new MessageSender<Response>(call);
  try {
    for await (const { message, bytes } of produce(call)) await sender.send(message, bytes);
    call.end();
  } catch (error) {
    if (sender.signal.aborted) return;
    if (asHoldfastError(error).kind === 'Internal') log.error({ err: error, method: call.getPath() }, 'grpc.defect');
    call.emit('error', toGrpcStatus(error));
  }
}
