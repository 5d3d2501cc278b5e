import type { ClientWritableStream } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import type { DataServiceClient, PackHeader, UploadPackRequest, UploadPackResponse } from '@holdfast/proto/v1';
import { fromGrpcError } from './grpc-error.js';
import { stopped } from './unary-call.js';

const PIECE_BYTES = 1024 * 1024;
const TIMEOUT_MS = 15 * 60_000;

export interface PackParts {
  readonly header: PackHeader;
  readonly frames: readonly Buffer[];
  readonly footer: Buffer;
}

/** Sends one pack, no faster than the link takes it. Resolves to the bytes stored once they are durable. */
export async function sendPack(client: DataServiceClient, parts: PackParts, signal: AbortSignal): Promise<number> {
  if (signal.aborted) throw stopped(signal);
  let call!: ClientWritableStream<UploadPackRequest>;
  const answered = new Promise<UploadPackResponse>((resolve, reject) => {
    call = client.uploadPack(new Metadata(), { deadline: systemClock.now() + TIMEOUT_MS }, (error, response) => {
      if (error === null) resolve(response);
      else reject(fromGrpcError(error));
    });
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
  }
}

async function writeParts(
  call: ClientWritableStream<UploadPackRequest>,
  parts: PackParts,
  answered: Promise<unknown>,
): Promise<void> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  const ended = answered.then(end, end);
  const write = async (part: NonNullable<UploadPackRequest['part']>): Promise<void> => {
    if (call.write({ part })) return;
    await Promise.race([new Promise<void>((resolve) => call.once('drain', resolve)), ended]);
  };
  await write({ $case: 'header', value: parts.header });
  for (const frame of parts.frames) {
    for (let at = 0; at < frame.length; at += PIECE_BYTES) {
      if (over) return;
      await write({
        $case: 'frame',
        value: { data: frame.subarray(at, at + PIECE_BYTES), last: at + PIECE_BYTES >= frame.length },
      });
    }
  }
  await write({ $case: 'footer', value: parts.footer });
  call.end();
}
