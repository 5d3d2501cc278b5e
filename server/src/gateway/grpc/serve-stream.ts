import type { ServerWritableStream } from '@grpc/grpc-js';
import { asHoldfastError } from '@holdfast/core/errors';
import { toGrpcStatus } from '../../platform/grpc/errors.js';
import { hangUp } from '../../platform/grpc/hang-up.js';
import type { GatewayCore } from '../gateway-core.js';
import { MessageSender, type Sending } from './message-sender.js';

/** A message with about how many bytes it has. */
export interface StreamedMessage<Response> extends Sending {
  readonly message: Response;
  readonly bytes: number;
}

type Produce<Request, Response> = (
  call: ServerWritableStream<Request, Response>,
  sender: MessageSender<Request, Response>,
) => AsyncGenerator<StreamedMessage<Response>>;

/** A server-streaming handler from an async generator; what it throws ends the stream as a status. A peer that does not take the end loses its connection. */
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
    for await (const { message, bytes, ...sending } of produce(call, sender))
      await sender.send(message, bytes, sending);
    call.end();
  } catch (error) {
    if (sender.signal.aborted) return;
    if (asHoldfastError(error).kind === 'Internal')
      core.log.error({ err: error, method: call.getPath() }, 'grpc.defect');
    call.emit('error', toGrpcStatus(error));
  }
  // What its peer does not take lies in memory for as long as the connection lasts, however the call ended.
  if (!(await sender.emptied())) hangUp(call);
}
