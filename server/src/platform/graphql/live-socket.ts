import type { Duplex } from 'node:stream';
import type { Timers } from '@holdfast/core/clock';
import { CloseCode, MessageType, type WebSocket as ProtocolSocket, parseMessage, stringifyMessage } from 'graphql-ws';
import type { RawData, WebSocket } from 'ws';

/** What a stranger may send in all: one message that holds a token. */
const MAX_STRANGER_BYTES = 16 * 1024;
/** While more than this waits to be read at the other end, nothing further is read from it. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const KEEP_ALIVE_MS = 12_000;
/** How long the other end has to take in why it was closed. */
const FAREWELL_MS = 5_000;
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

const INTRODUCTION: string = MessageType.ConnectionInit;
const FROM_CLIENTS: ReadonlySet<string> = new Set([
  MessageType.ConnectionInit,
  MessageType.Ping,
  MessageType.Pong,
  MessageType.Subscribe,
  MessageType.Complete,
]);

export interface LiveSocketSettings {
  readonly timers: Timers;
  /** The bytes below the WebSocket. */
  readonly stream: Duplex;
  /** Called at most once, with what the other end did that closed the connection. */
  readonly refused: (reason: string) => void;
  /** What went wrong on this side. */
  readonly failed: (error: unknown) => void;
}

/**
 * A WebSocket as graphql-ws is to see it. Until `admit` it takes `connection_init` alone; afterwards what a client may
 * say, at a pace. A ping is answered without what it holds. Whoever says anything else, or does not read what is sent,
 * loses the connection.
 */
export class LiveSocket implements ProtocolSocket {
  private keepsPace: (() => boolean) | undefined;
  private over = false;
  private silent = false;
  private heard = 0;

  constructor(
    private readonly socket: WebSocket,
    private readonly settings: LiveSocketSettings,
  ) {
    // Before the reader of the WebSocket, which would hold a message until it is complete.
    settings.stream.prependListener('data', this.count);
    socket.on('error', () => this.refuse('BAD_FRAME', CloseCode.BadRequest));
    socket.on('pong', () => (this.silent = false));
    this.keepAlive();
  }

  get protocol(): string {
    return this.socket.protocol;
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** Whoever is at the other end is known. `keepsPace` counts a message, and says whether there may be so many. */
  admit(keepsPace: () => boolean): void {
    this.keepsPace = keepsPace;
    this.settings.stream.off('data', this.count);
  }

  async send(data: string): Promise<void> {
    if (!this.isOpen) return;
    const sent = new Promise<void>((resolve) => this.socket.send(data, () => resolve()));
    if (this.socket.bufferedAmount > MAX_UNREAD_BYTES) this.socket.pause();
    await sent;
    if (this.socket.isPaused && this.socket.bufferedAmount <= MAX_UNREAD_BYTES) this.socket.resume();
  }

  close(code?: number, reason?: string): void {
    if (this.over) return;
    this.over = true;
    this.socket.close(code, reason);
    this.whileOpen(FAREWELL_MS, () => this.socket.terminate());
  }

  onPing(): Promise<void> {
    return this.send(stringifyMessage({ type: MessageType.Pong }));
  }

  onMessage(receive: (data: string) => Promise<void>): void {
    this.socket.on('message', (data) => {
      if (this.over) return;
      if (this.keepsPace?.() === false) return this.refuse('TOO_FAST', TRY_AGAIN_LATER);
      const text = textOf(data);
      const type = typeOf(text);
      if (type === undefined || !FROM_CLIENTS.has(type)) return this.refuse('BAD_MESSAGE', CloseCode.BadRequest);
      if (this.keepsPace === undefined && type !== INTRODUCTION)
        return this.refuse('NOT_ADMITTED', CloseCode.Unauthorized);
      receive(text).catch((error: unknown) => {
        this.close(CloseCode.InternalServerError, 'internal server error');
        this.settings.failed(error);
      });
    });
  }

  private readonly count = (bytes: Buffer): void => {
    this.heard += bytes.length;
    if (this.heard <= MAX_STRANGER_BYTES) return;
    this.settings.stream.off('data', this.count);
    this.refuse('TOO_LARGE', POLICY_VIOLATION);
    this.socket.terminate();
  };

  private refuse(reason: string, code: number): void {
    if (this.over) return;
    this.close(code, 'refused');
    this.settings.refused(reason);
  }

  private keepAlive(): void {
    this.whileOpen(KEEP_ALIVE_MS, () => {
      if (this.silent) return this.socket.terminate();
      this.silent = true;
      this.socket.ping();
      this.keepAlive();
    });
  }

  private whileOpen(ms: number, run: () => void): void {
    const cancel = this.settings.timers.after(ms, () => {
      this.socket.off('close', cancel);
      run();
    });
    this.socket.once('close', cancel);
  }
}

function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString() : '';
}

function typeOf(text: string): string | undefined {
  try {
    return parseMessage(text).type;
  } catch {
    return undefined;
  }
}
