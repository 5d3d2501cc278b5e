import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Timers } from '@holdfast/core/clock';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';

/** Bytes handed to the transport and not yet taken by it. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** After the end of a stream its reader has the time of so many stalls for what is left of that. */
const MOST_STALLS = 5;

export interface Sending {
  /** Ends the waiting for a slow reader, with its reason. */
  readonly over?: AbortSignal;
}

/**
 * Sends a stream no faster than its reader takes it: by bytes, for the stream's own limit counts
 * messages. A reader that takes nothing for `stallMs` is given up: what waits for it costs memory.
 */
export class MessageSender<Request, Response> {
  private pending = 0;
  private wake: (() => void) | undefined;
  private readonly gone = new AbortController();
  /** Resolves when nothing of the call is held any more. */
  readonly closed: Promise<void>;

  constructor(
    private readonly call: ServerWritableStream<Request, Response>,
    private readonly timing: { readonly timers: Timers; readonly stallMs: number },
  ) {
    const leave = (): void => {
      this.gone.abort(new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'The caller has gone.' }));
      this.wake?.();
    };
    this.closed = new Promise((resolve) => call.once('close', resolve));
    call.once('cancelled', leave);
    call.once('close', leave);
    call.on('error', leave);
  }

  /** Fires when the caller has gone. */
  get signal(): AbortSignal {
    return this.gone.signal;
  }

  async send(message: Response, bytes: number, { over }: Sending = {}): Promise<void> {
    this.gone.signal.throwIfAborted();
    over?.throwIfAborted();
    this.pending += bytes;
    this.call.write(message, () => {
      this.pending -= bytes;
      this.wake?.();
    });
    while (this.pending > WINDOW_BYTES) await this.progress(over);
  }

  /** Resolves once the reader has taken everything. */
  async drained(over: AbortSignal): Promise<void> {
    while (this.pending > 0) await this.progress(over);
  }

  /** Resolves once nothing waits for the reader any more: to false if that took nothing for too long, or very little. */
  async emptied(): Promise<boolean> {
    let isLate = false;
    const cancel = this.timing.timers.after(MOST_STALLS * this.timing.stallMs, () => {
      isLate = true;
      this.wake?.();
    });
    try {
      while (this.pending > 0 && !this.call.closed && !isLate) await this.moved(undefined);
      return !isLate;
    } catch {
      return false;
    } finally {
      cancel();
    }
  }

  private async progress(over: AbortSignal | undefined): Promise<void> {
    await this.moved(over);
    this.gone.signal.throwIfAborted();
    over?.throwIfAborted();
  }

  /** Resolves when the reader took something or has gone. Throws Timeout, or what the signal says. */
  private async moved(over: AbortSignal | undefined): Promise<void> {
    let stop: () => void = () => undefined;
    let cancel: () => void = () => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.wake = resolve;
        stop = () => reject(asHoldfastError(over?.reason));
        cancel = this.timing.timers.after(this.timing.stallMs, () => reject(stalled()));
        over?.addEventListener('abort', stop, { once: true });
      });
    } finally {
      cancel();
      over?.removeEventListener('abort', stop);
    }
  }
}

function stalled(): HoldfastError {
  return new HoldfastError({
    kind: 'Timeout',
    code: 'READER_STALLED',
    message: 'Nothing of the stream was taken for too long.',
  });
}
