import { ReadChunksResponse } from '@holdfast/proto/v1';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRead } from './decode-read.js';

function orRefused(decode: (message: Buffer) => ReadChunksResponse, message: Buffer): ReadChunksResponse | undefined {
  try {
    return decode(message);
  } catch {
    return undefined;
  }
}

const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));

describe('a message of a read', () => {
  it('is read as the generated decoder reads it, whatever it holds', () => {
    const part = fc.oneof(
      bytes(20_000).map((value) => ({ $case: 'piece' as const, value })),
      fc.record({ chunkIds: bytes(99), reason: fc.string() }).map((value) => ({ $case: 'damaged' as const, value })),
    );
    fc.assert(
      fc.property(part, (value) => {
        const message = Buffer.from(ReadChunksResponse.encode({ part: value }).finish());
        expect(decodeRead(message)).toEqual({ part: value });
      }),
    );
  });

  it('that is garbage is read as the generated decoder reads it', () => {
    const starts = [[], [0x12], [0x12, 0], [0x12, 0x85, 0x00], [0x12, 0x80, 0x80, 0x80, 0x80, 0x01]];
    const hostile = fc
      .tuple(fc.constantFrom(...starts), bytes(24))
      .map(([start, rest]) => Buffer.concat([Buffer.from(start), rest]));
    fc.assert(
      fc.property(hostile, (message) => {
        expect(orRefused(decodeRead, message)).toEqual(orRefused((each) => ReadChunksResponse.decode(each), message));
      }),
      { numRuns: 5_000 },
    );
  });
});
