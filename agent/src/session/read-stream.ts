import { Metadata } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { YoungGarbage } from '@holdfast/core/memory';
import type { DataServiceClient, ReadChunksRequest, ReadChunksResponse } from '@holdfast/proto/v1';
import { DataServiceService } from '@holdfast/proto/v1';
import type { ReadAnswer } from '../jobs/data-transport.js';
import { idKey, splitIds } from '../jobs/ids.js';
import type { Turns } from '../jobs/turns.js';
import { type Answered, ArrivingFrames } from './arriving-frames.js';
import type { Opened } from './data-transport.js';
import { decodeRead } from './decode-read.js';
import { fromGrpcError } from './grpc-error.js';
import { ReadDeadline } from './read-deadline.js';
import type { SessionLink } from './session-link.js';
import type { Throttle } from './throttle.js';
import { stopped } from './unary-call.js';
import { SMALL_PIECE_BYTES } from './upload-piece.js';

const { path, requestSerialize } = DataServiceService.readChunks;
const PIECE_MS = 4;
/** What arrives lies in buffers of 16 KiB, then in messages, in frames, and opened. */
const garbage = new YoungGarbage();

export interface ReadPorts {
  readonly link: SessionLink<Opened>;
  readonly download: Throttle;
  readonly turns: Turns;
}

/** Reads on after a lost connection with what has not arrived yet, no faster than the agent may receive, and few at a time. */
export async function* readStream(
  ports: ReadPorts,
  ids: readonly Buffer[],
  avoidPacks: readonly Buffer[],
  signal: AbortSignal,
): AsyncGenerator<ReadAnswer> {
  await ports.turns.enter(signal);
  try {
    yield* readAll(ports, ids, avoidPacks, signal);
  } finally {
    ports.turns.leave();
  }
}

async function* readAll(
  { link, download }: ReadPorts,
  ids: readonly Buffer[],
  avoidPacks: readonly Buffer[],
  signal: AbortSignal,
): AsyncGenerator<ReadAnswer> {
  const left = new Map(ids.map((id) => [idKey(id), id]));
  const arriving = new ArrivingFrames();
  while (left.size > 0) {
    const before = left.size;
    const answers = new Handover<ReadAnswer>();
    // The call runs inside `attempt`, so that it is repeated there; what it yields is handed over as it arrives.
    const running = link
      .attempt(signal, async ({ clients, sessionId }, isAgain, goesOn) => {
        const client = clients.forReads(download.bytesPerSecond);
        const request = {
          sessionId,
          chunkIds: Buffer.concat([...left.values()]),
          avoidPacks: [...avoidPacks],
          pieceBytes: pieceBytesFor(download.bytesPerSecond, isAgain),
          held: arriving.begin(),
        };
        for await (const { answer, ids: answered } of readOnce(
          { client, download, goesOn },
          request,
          arriving,
          signal,
        )) {
          goesOn();
          for (const id of answered) left.delete(idKey(id));
          await answers.put(answer);
          if (answers.closed) return;
        }
      })
      .then(
        () => answers.end(),
        (error: unknown) => answers.end(error),
      );
    try {
      yield* answers;
    } finally {
      answers.close();
      await running;
    }
    if (left.size === before)
      throw new HoldfastError({
        kind: 'Internal',
        code: 'READ_INCOMPLETE',
        message: 'The gateway ended a read without answering for every chunk.',
      });
  }
}

/** Under a limit, a few milliseconds' worth: of each read the transport holds 16 messages ready, and those come at once. */
function pieceBytesFor(bytesPerSecond: number | undefined, isAgain: boolean): number {
  const most = isAgain ? SMALL_PIECE_BYTES : 0;
  if (bytesPerSecond === undefined) return most;
  const even = Math.ceil((bytesPerSecond * PIECE_MS) / 1000);
  return isAgain ? Math.min(most, even) : even;
}

interface Reading {
  readonly client: DataServiceClient;
  readonly download: Throttle;
  /** Called when more comes of a frame in which an earlier call broke off: over a slow link one may take many turns. */
  readonly goesOn: () => void;
}

async function* readOnce(
  { client, download, goesOn }: Reading,
  request: ReadChunksRequest,
  arriving: ArrivingFrames,
  signal: AbortSignal,
): AsyncGenerator<Answered> {
  if (signal.aborted) throw stopped(signal);
  const call = client.makeServerStreamRequest(path, requestSerialize, decodeRead, request, new Metadata());
  const stop = (): void => call.cancel();
  signal.addEventListener('abort', stop, { once: true });
  const deadline = new ReadDeadline(systemClock, () => call.destroy(timedOut()));
  // Cancelling a call that is being read makes it emit an error even after its iterator has gone.
  call.on('error', () => undefined);
  let isMoreOfOne = false;
  try {
    for await (const { part } of call as AsyncIterable<ReadChunksResponse>) {
      deadline.answered();
      if (part?.$case === 'piece') {
        arriving.add(part.value);
        if (isMoreOfOne) goesOn();
        isMoreOfOne = false;
        garbage.add(4 * part.value.length);
        await download.take(part.value.length, signal);
        continue;
      }
      const before = arriving.next(part?.$case === 'head' ? part.value : undefined);
      if (before !== undefined) yield before;
      isMoreOfOne = part?.$case === 'head' && part.value.heldBytes > 0;
      if (part?.$case !== 'damaged') continue;
      const ids = splitIds(part.value.chunkIds);
      yield { answer: { kind: 'damaged', ids, reason: part.value.reason }, ids };
    }
    const last = arriving.next(undefined);
    if (last !== undefined) yield last;
  } catch (error) {
    throw signal.aborted ? stopped(signal) : fromGrpcError(error);
  } finally {
    deadline.stop();
    signal.removeEventListener('abort', stop);
    call.cancel();
  }
}

function timedOut(): HoldfastError {
  return new HoldfastError({
    kind: 'Timeout',
    code: 'READ_TIMEOUT',
    message: 'The gateway did not answer a read in time.',
  });
}

/** One value at a time from a producer to one consumer: the producer waits until its value was taken. */
class Handover<T> implements AsyncIterable<T> {
  closed = false;
  private value: { readonly value: T } | undefined;
  private over: { readonly error?: unknown } | undefined;
  private wake: () => void = () => undefined;

  async put(value: T): Promise<void> {
    while (this.value !== undefined && !this.closed) await this.change();
    if (this.closed) return;
    this.value = { value };
    this.wake();
  }

  end(error?: unknown): void {
    this.over = error === undefined ? {} : { error };
    this.wake();
  }

  close(): void {
    this.closed = true;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.value;
      if (next !== undefined) {
        this.value = undefined;
        this.wake();
        yield next.value;
      } else if (this.over !== undefined) {
        if ('error' in this.over) throw this.over.error;
        return;
      } else await this.change();
    }
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.wake;
      this.wake = () => {
        before();
        this.wake = () => undefined;
        resolve();
      };
    });
  }
}
