import type { ServerWritableStream } from '@grpc/grpc-js';
import { asHoldfastError } from '@holdfast/core/errors';
import { toGrpcStatus } from '../../platform/grpc/errors.js';
import type { GatewayCore } from '../gateway-core.js';
import { MessageSender } from './message-sender.js';

/** A message with about how many bytes it has, and what ends the waiting for its reader. */
export interface StreamedMessage<Response> {
  readonly message: Response;
  readonly bytes: number;
  readonly over?: AbortSignal;
}

type Produce<Request, Response> = (
  call: ServerWritableStream<Request, Response>,
  gone: AbortSignal,
) => AsyncGenerator<StreamedMessage<Response>>;

/** A server-streaming handler from an async generator; what it throws ends the stream as a status. */
export function serveStream<Request, Response>(
  core: Pick<GatewayCore, 'timers' | 'limits' | 'log'>,
  produce: Produce<Request, Response>,
): (call: ServerWritableStream<Request, Response>) => void {
  return (call) => void run(core, call, produce);
}

async function run<Request, Response>(
  core: Pick<GatewayCore, 'timers' | 'limits' | 'log'>,
  call: ServerWritableStream<Request, Response>,
  produce: Produce<Request, Response>,
): Promise<void> {
  const sender = new MessageSender(call, { timers: core.timers, stallMs: core.limits.stallMs });
  try {
    for await (const { message, bytes, over } of produce(call, sender.signal)) await sender.send(message, bytes, over);
    call.end();
  } catch (error) {
    if (sender.signal.aborted) return;
    if (asHoldfastError(error).kind === 'Internal')
      core.log.error({ err: error, method: call.getPath() }, 'grpc.defect');
    call.emit('error', toGrpcStatus(error));
  }
}
