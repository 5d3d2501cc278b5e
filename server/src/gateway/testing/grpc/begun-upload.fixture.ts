import { systemRandom } from '@holdfast/core/ids';
import { type DataServiceClient, PackKind } from '@holdfast/proto/v1';
import { expect } from 'vitest';
import { fromGrpcError } from '../../../platform/grpc/errors.js';
import type { TestPack } from '../uploader.fixture.js';

const MIB = 1024 * 1024;

interface UploadEnd {
  readonly failure: unknown;
  readonly answer: unknown;
}

/** An upload that has sent its header, and goes on as its test says. */
export class BegunUpload {
  readonly stream: ReturnType<DataServiceClient['uploadPack']>;
  readonly end: Promise<UploadEnd>;
  /** Undefined until it has a place: how much of the pack the gateway has. */
  from: number | undefined;
  failure: unknown;

  constructor(client: DataServiceClient, sessionId: Buffer, packId = systemRandom.bytes(16), again = false) {
    const ended = Promise.withResolvers<UploadEnd>();
    this.end = ended.promise;
    this.stream = client.uploadPack((error, answer) => {
      this.failure = error && fromGrpcError(error);
      ended.resolve({ failure: this.failure, answer });
    });
    this.stream.once('metadata', (metadata) => {
      this.from = Number(metadata.get('holdfast-received-bytes')[0]);
    });
    const kind = PackKind.PACK_KIND_DATA;
    this.stream.write({ part: { $case: 'header', value: { sessionId, packId, kind, again } } });
  }

  piece(data: Buffer, last = false): void {
    this.stream.write({ part: { $case: 'frame', value: { data, last } } });
  }

  async hasPlace(timeoutMs: number): Promise<number> {
    await expect.poll(() => this.from ?? this.failure, { timeout: timeoutMs }).toBeDefined();
    if (this.from === undefined) throw this.failure;
    return this.from;
  }

  /** Sends what is left of a pack of one frame. */
  async finish({ frames, tail }: TestPack, timeoutMs: number): Promise<UploadEnd> {
    const rest = Buffer.concat(frames).subarray(await this.hasPlace(timeoutMs));
    for (let at = 0; at < rest.length; at += MIB) this.piece(rest.subarray(at, at + MIB), at + MIB >= rest.length);
    this.stream.write({ part: { $case: 'footer', value: { data: tail.footerBytes, last: true } } });
    this.stream.end();
    return this.end;
  }
}
