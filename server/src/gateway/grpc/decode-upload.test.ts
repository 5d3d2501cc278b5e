import { UploadPackRequest } from '@holdfast/proto/v1';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUpload } from './decode-upload.js';

/** What the generated decoder makes of it; it refuses more than it accepts. */
function generated(message: Buffer): UploadPackRequest | undefined {
  try {
    return UploadPackRequest.decode(message);
  } catch {
    return undefined;
  }
}

function ours(message: Buffer): UploadPackRequest | undefined {
  try {
    return decodeUpload(message);
  } catch {
    return undefined;
  }
}

const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));

describe('a message of an upload', () => {
  it('is read as the generated decoder reads it, whatever it holds', () => {
    const part = fc.oneof(
      fc.record({ data: bytes(300), last: fc.boolean() }).map((value) => ({ $case: 'frame' as const, value })),
      fc.record({ data: bytes(300), last: fc.boolean() }).map((value) => ({ $case: 'footer' as const, value })),
    );
    fc.assert(
      fc.property(part, (value) => {
        const message = Buffer.from(UploadPackRequest.encode({ part: value }).finish());
        expect(decodeUpload(message)).toEqual({ part: value });
      }),
    );
  });

  it('that is garbage is read as the generated decoder reads it', () => {
    const hostile = fc
      .tuple(fc.constantFrom([], [0x12], [0x12, 4, 0x10, 1, 0x0a], [0x12, 3, 0x0a], [0x12, 0x85, 0x00]), bytes(24))
      .map(([start, rest]) => Buffer.concat([Buffer.from(start), rest]));
    fc.assert(
      fc.property(hostile, (message) => {
        expect(ours(message)).toEqual(generated(message));
      }),
      { numRuns: 5_000 },
    );
  });
});
