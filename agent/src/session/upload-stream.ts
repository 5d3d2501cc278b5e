import type { ClientWritableStream } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import type { DataServiceClient, PackHeader } from '@holdfast/proto/v1';
import { DataServiceService, UploadPackRequest, type UploadPackResponse } from '@holdfast/proto/v1';
import { collectYoung } from '../platform/young-garbage.js';
import { fromGrpcError } from './grpc-error.js';
import { stopped } from './unary-call.js';
import { encodePiece, PIECE_BYTES, PieceMemory } from './upload-piece.js';

const TIMEOUT_MS = 15 * 60_000;

export interface PackParts {
  readonly header: PackHeader;
  readonly frames: readonly Buffer[];
  readonly footer: Buffer;
}

/** Messages go out as they are encoded here, for what protobuf's encoder would copy twice is all that a backup sends. */
const { path, responseDeserialize } = DataServiceService.uploadPack;

/** Sends one pack, no faster than the link takes it. Resolves to the bytes stored once they are durable. */
export async function sendPack(client: DataServiceClient, parts: PackParts, signal: AbortSignal): Promise<number> {
  if (signal.aborted) throw stopped(signal);
  let call!: ClientWritableStream<Buffer>;
  const answered = new Promise<UploadPackResponse>((resolve, reject) => {
    call = client.makeClientStreamRequest(
      path,
      (message: Buffer) => message,
      responseDeserialize,
      new Metadata(),
      { deadline: systemClock.now() + TIMEOUT_MS },
      (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(fromGrpcError(error));
      },
    );
  });
  const stop = (): void => call.cancel();
  signal.addEventListener('abort', stop, { once: true });
  try {
    // A refusal arrives while the pack is still being written: whichever is first decides.
    await Promise.race([writeParts(call, parts, answered), answered]);
    return Number((await answered).storedBytes);
  } catch (error) {
    call.cancel();
    throw signal.aborted ? stopped(signal) : error;
  } finally {
    signal.removeEventListener('abort', stop);
    collectYoung();
  }
}

async function writeParts(
  call: ClientWritableStream<Buffer>,
  { header, frames, footer }: PackParts,
  answered: Promise<unknown>,
): Promise<void> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  const ended = answered.then(end, end);
  const memory = new PieceMemory();
  call.write(encoded({ $case: 'header', value: header }));
  for (const frame of frames) {
    for (let at = 0; at < frame.length; at += PIECE_BYTES) {
      if (over) return;
      const place = memory.next() ?? (await Promise.race([memory.free(), ended]));
      if (place === undefined) return;
      const last = at + PIECE_BYTES >= frame.length;
      call.write(encodePiece(place, frame.subarray(at, at + PIECE_BYTES), last), () => memory.giveBack(place));
    }
  }
  call.write(encoded({ $case: 'footer', value: footer }));
  call.end();
}

function encoded(part: NonNullable<UploadPackRequest['part']>): Buffer {
  return DataServiceService.uploadPack.requestSerialize({ part });
}
