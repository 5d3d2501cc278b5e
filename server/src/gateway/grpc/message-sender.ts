import type { ServerWritableStream } from '@grpc/grpc-js';
import { HoldfastError } from '@holdfast/core/errors';

/** Bytes handed to the transport and not yet taken by it. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Sends a stream no faster than its reader takes it: by bytes, for the stream's own limit counts
 * messages. `signal` fires when the caller has gone.
 */
export class MessageSender<Response> {
  private pending = 0;
  private wake: (() => void) | undefined;
  private readonly gone = new AbortController();

  constructor(private readonly call: ServerWritableStream<unknown, Response>) {
    const leave = (): void => {
      this.gone.abort(new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'The caller has gone.' }));
      this.wake?.();
    };
    call.once('cancelled', leave);
    call.once('close', leave);
    call.on('error', leave);
  }

  get signal(): AbortSignal {
    return this.gone.signal;
  }

  async send(message: Response, bytes: number): Promise<void> {
    this.gone.signal.throwIfAborted();
    this.pending += bytes;
    this.call.write(message, () => {
      this.pending -= bytes;
      this.wake?.();
    });
    while (this.pending > WINDOW_BYTES) {
      await new Promise<void>((resolve) => (this.wake = resolve));
      this.gone.signal.throwIfAborted();
    }
  }
}
