import type { ClientWritableStream } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { collectYoung, YoungGarbage } from '@holdfast/core/memory';
import { reached } from '@holdfast/core/moments';
import type { DataServiceClient, PackHeader, UploadPackRequest, UploadPackResponse } from '@holdfast/proto/v1';
import { DataServiceService } from '@holdfast/proto/v1';
import type { Turns } from '../jobs/turns.js';
import { fromGrpcError } from './grpc-error.js';
import type { Throttle } from './throttle.js';
import { stopped } from './unary-call.js';
import { encodePiece, PIECE_BYTES, PieceMemory, SMALL_PIECE_BYTES } from './upload-piece.js';

/** Messages go out as they are encoded here, for what protobuf's encoder would copy twice is all that a backup sends. */
const { path, requestSerialize, responseDeserialize } = DataServiceService.uploadPack;
/** A link may be slow, but something has to move: a pack has as long as it takes, a piece has not. */
const STALL_MS = 5 * 60_000;
const ANSWER_TIMEOUT_MS = 15 * 60_000;
/** Each message is copied once more, behind the head that gRPC gives it. */
const garbage = new YoungGarbage();
const RECEIVED_BYTES = 'holdfast-received-bytes';

type Part = NonNullable<UploadPackRequest['part']>;

export interface PackParts {
  readonly header: Omit<PackHeader, 'again'>;
  readonly frames: readonly Buffer[];
  readonly footer: Buffer;
}

/** One connection, as uploads see it. */
export interface Uplink {
  readonly client: DataServiceClient;
  /** One pack at a time is written to a connection, so that its loss costs no more than one: the others are whole or not begun. */
  readonly writes: Turns;
  readonly throttle: Throttle;
}

/** What is told of one try to send a pack. */
export interface Sending {
  /** It was sent before. */
  readonly isAgain: boolean;
  /** The gateway goes on with one that was. */
  readonly goesOn: () => void;
  /** So many bytes of its frames have gone to the link, or were with the gateway before. */
  readonly sent: (bytes: number) => void;
}

/**
 * Sends one pack, no faster than the link takes it. Resolves to the bytes stored once they are durable. A pack that is sent again may
 * have arrived whole before its answer was lost, or in part before it had to give way to others, so it waits to be asked for the rest.
 */
export async function sendPack(
  { client, writes, throttle }: Uplink,
  parts: PackParts,
  { isAgain, goesOn, sent }: Sending,
  signal: AbortSignal,
): Promise<number> {
  await writes.enter(signal);
  const upload = new Upload(client, throttle, signal);
  try {
    try {
      await upload.write(parts, isAgain ? goesOn : undefined, sent);
    } finally {
      writes.leave();
    }
    return Number((await upload.answered).storedBytes);
  } catch (error) {
    upload.cancel();
    throw signal.aborted ? stopped(signal) : error;
  } finally {
    upload.end();
  }
}

class Upload {
  readonly answered: Promise<UploadPackResponse>;
  private readonly call: ClientWritableStream<Buffer>;
  private readonly memory = new PieceMemory();
  /** Resolves to how many bytes of the frames the gateway has already. */
  private readonly wanted: Promise<number>;
  private over = false;
  /** Messages handed to the transport and not yet taken by it. */
  private underWay = 0;
  private wake: () => void = () => undefined;
  private cancelTimer: () => void = () => undefined;
  private pieceBytes = PIECE_BYTES;
  private readonly stop = (): void => this.cancel();

  constructor(
    client: DataServiceClient,
    private readonly throttle: Throttle,
    private readonly signal: AbortSignal,
  ) {
    let settle!: { readonly resolve: (answer: UploadPackResponse) => void; readonly reject: (error: Error) => void };
    this.answered = new Promise((resolve, reject) => (settle = { resolve, reject }));
    // Whoever waits for room to write on meets a failure by `over`, and asks for its reason afterwards.
    this.answered.catch(() => undefined);
    this.call = client.makeClientStreamRequest(
      path,
      (message: Buffer) => message,
      responseDeserialize,
      new Metadata(),
      (error, response) => {
        this.over = true;
        if (error === null && response !== undefined) settle.resolve(response);
        else settle.reject(fromGrpcError(error));
        this.wake();
      },
    );
    this.wanted = new Promise((resolve) => this.call.once('metadata', (metadata) => resolve(receivedBytes(metadata))));
    signal.addEventListener('abort', this.stop, { once: true });
    this.mayTake(STALL_MS);
  }

  /** Until the transport has taken everything, or the gateway has answered: a refusal arrives while the pack is still being written. */
  async write(
    { header, frames, footer }: PackParts,
    goesOn: (() => void) | undefined,
    sent: Sending['sent'],
  ): Promise<void> {
    this.send(encoded({ $case: 'header', value: { ...header, again: goesOn !== undefined } }));
    const received = goesOn === undefined ? 0 : await this.untilWanted(goesOn);
    let at = received;
    for (const frame of behind(received, frames)) {
      for await (const { data, last } of this.pieces(frame)) {
        const place = await this.place();
        if (place === undefined) return;
        at += data.length;
        const end = at;
        this.send(encodePiece(place, data, last), () => {
          this.memory.giveBack(place);
          sent(end);
        });
        garbage.add(data.length);
      }
    }
    for await (const piece of this.pieces(footer)) this.send(encoded({ $case: 'footer', value: piece }));
    if (this.over) return;
    this.call.end();
    await this.until(() => this.underWay === 0);
    reached('agent.pack-sent');
    this.mayTake(ANSWER_TIMEOUT_MS);
  }

  /** The gateway may have other packs to take in first. */
  private async untilWanted(goesOn: () => void): Promise<number> {
    this.pieceBytes = SMALL_PIECE_BYTES;
    await this.until(() => this.underWay === 0);
    this.mayTake(ANSWER_TIMEOUT_MS);
    const received = await Promise.race([this.wanted, this.answered.then(() => 0)]);
    this.mayTake(STALL_MS);
    if (!this.over) goesOn();
    return received;
  }

  cancel(): void {
    this.call.cancel();
  }

  end(): void {
    this.cancelTimer();
    this.signal.removeEventListener('abort', this.stop);
    collectYoung();
  }

  /** No faster than the agent may send, until the call is over. */
  private async *pieces(bytes: Buffer): AsyncGenerator<{ readonly data: Buffer; readonly last: boolean }> {
    for (let at = 0, end = 0; at < bytes.length && !this.over; at = end) {
      end = Math.min(bytes.length, at + Math.min(this.pieceBytes, this.throttle.pieceBytes));
      await this.throttle.take(end - at, this.signal);
      yield { data: bytes.subarray(at, end), last: end === bytes.length };
    }
  }

  private send(message: Buffer, taken: () => void = () => undefined): void {
    this.underWay += 1;
    this.call.write(message, () => {
      this.underWay -= 1;
      taken();
      this.mayTake(STALL_MS);
      this.wake();
    });
  }

  /** Memory for the next piece; undefined once the call is over. */
  private async place(): Promise<Buffer | undefined> {
    let place: Buffer | undefined;
    await this.until(() => {
      place = this.memory.next();
      return place !== undefined;
    });
    return this.over ? undefined : place;
  }

  private async until(free: () => boolean): Promise<void> {
    while (!this.over && !free()) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  private mayTake(ms: number): void {
    this.cancelTimer();
    if (!this.over) this.cancelTimer = systemClock.after(ms, this.stop);
  }
}

function receivedBytes(metadata: Metadata): number {
  const [value = '0'] = metadata.get(RECEIVED_BYTES);
  return Number(value);
}

/** What lies behind the first so many bytes. Throws Internal when there are not so many. */
function behind(bytes: number, frames: readonly Buffer[]): Buffer[] {
  const left: Buffer[] = [];
  let at = 0;
  for (const frame of frames) {
    const end = at + frame.length;
    if (end > bytes) left.push(frame.subarray(Math.max(0, bytes - at)));
    at = end;
  }
  if (bytes >= 0 && bytes <= at) return left;
  throw new HoldfastError({
    kind: 'Internal',
    code: 'UPLOAD_MALFORMED',
    message: 'The gateway says that it has more of a pack than there is.',
  });
}

function encoded(part: Part): Buffer {
  return requestSerialize({ part });
}
