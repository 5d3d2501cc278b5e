import { Metadata } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { MAX_FRAME_STORED_BYTES } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { YoungGarbage } from '@holdfast/core/memory';
import type { DataServiceClient, FrameHead, ReadChunksRequest, ReadChunksResponse } from '@holdfast/proto/v1';
import { DataServiceService, PackKind } from '@holdfast/proto/v1';
import { FrameEntry } from '@holdfast/proto/vault';
import type { IncomingFrame, ReadAnswer } from '../jobs/data-transport.js';
import { idKey, splitIds } from '../jobs/ids.js';
import type { Turns } from '../jobs/turns.js';
import type { Opened } from './data-transport.js';
import { decodeRead } from './decode-read.js';
import { fromGrpcError } from './grpc-error.js';
import type { SessionLink } from './session-link.js';
import type { Throttle } from './throttle.js';
import { stopped } from './unary-call.js';

const { path, requestSerialize } = DataServiceService.readChunks;
const PIECE_MS = 4;
const TIMEOUT_MS = 15 * 60_000;
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
  while (left.size > 0) {
    const before = left.size;
    const answers = new Handover<ReadAnswer>();
    // The call runs inside `attempt`, so that it is repeated there; what it yields is handed over as it arrives.
    const running = link
      .attempt(signal, async ({ clients, sessionId }, _again, goesOn) => {
        const client = clients.forReads(download.bytesPerSecond);
        const request = {
          sessionId,
          chunkIds: Buffer.concat([...left.values()]),
          avoidPacks: [...avoidPacks],
          pieceBytes: pieceBytesFor(download.bytesPerSecond),
        };
        for await (const answer of readOnce(client, request, download, signal)) {
          goesOn();
          for (const id of answeredIds(answer)) left.delete(idKey(id));
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
function pieceBytesFor(bytesPerSecond: number | undefined): number {
  return bytesPerSecond === undefined ? 0 : Math.ceil((bytesPerSecond * PIECE_MS) / 1000);
}

function answeredIds(answer: ReadAnswer): readonly Buffer[] {
  return answer.kind === 'damaged' ? answer.ids : splitIds(FrameEntry.decode(answer.frame.entry).chunkIds);
}

async function* readOnce(
  client: DataServiceClient,
  request: ReadChunksRequest,
  download: Throttle,
  signal: AbortSignal,
): AsyncGenerator<ReadAnswer> {
  if (signal.aborted) throw stopped(signal);
  const call = client.makeServerStreamRequest(path, requestSerialize, decodeRead, request, new Metadata(), {
    deadline: systemClock.now() + TIMEOUT_MS,
  });
  const stop = (): void => call.cancel();
  signal.addEventListener('abort', stop, { once: true });
  // Cancelling a call that is being read makes it emit an error even after its iterator has gone.
  call.on('error', () => undefined);
  let head: FrameHead | undefined;
  let pieces: Buffer[] = [];
  let bytes = 0;
  const take = (): IncomingFrame | undefined => {
    const frame = head && toFrame(head, Buffer.concat(pieces));
    head = undefined;
    pieces = [];
    bytes = 0;
    return frame;
  };
  try {
    for await (const { part } of call as AsyncIterable<ReadChunksResponse>) {
      if (part?.$case === 'piece') {
        bytes += part.value.length;
        if (head === undefined || bytes > MAX_FRAME_STORED_BYTES) throw malformed();
        pieces.push(part.value);
        garbage.add(4 * part.value.length);
        await download.take(part.value.length, signal);
        continue;
      }
      const frame = take();
      if (frame !== undefined) yield { kind: 'frame', frame };
      if (part?.$case === 'head') head = part.value;
      else if (part?.$case === 'damaged')
        yield { kind: 'damaged', ids: splitIds(part.value.chunkIds), reason: part.value.reason };
    }
    const frame = take();
    if (frame !== undefined) yield { kind: 'frame', frame };
  } catch (error) {
    throw signal.aborted ? stopped(signal) : fromGrpcError(error);
  } finally {
    signal.removeEventListener('abort', stop);
    call.cancel();
  }
}

function toFrame(head: FrameHead, stored: Buffer): IncomingFrame {
  if (head.kind !== PackKind.PACK_KIND_DATA && head.kind !== PackKind.PACK_KIND_NODE) throw malformed();
  return {
    packId: head.packId,
    kind: head.kind === PackKind.PACK_KIND_NODE ? 'NODE' : 'DATA',
    entry: head.frame,
    sealedKey: head.sealedFrameKey,
    domainId: head.domainId,
    stored,
  };
}

function malformed(): HoldfastError {
  return new HoldfastError({
    kind: 'Internal',
    code: 'READ_MALFORMED',
    message: 'The gateway sent a stream of chunks that breaks the protocol.',
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
