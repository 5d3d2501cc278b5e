import { PackKind, ReadChunksResponse } from '@holdfast/proto/v1';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRead, READ_PIECE_BYTES, readPieceBytes } from './encode-read.js';

describe('a message of a read', () => {
  it('is what protobuf reads, whatever the length of its piece', () => {
    const lengths = [0, 1, 127, 128, 16_383, 16_384, READ_PIECE_BYTES - 1, READ_PIECE_BYTES, READ_PIECE_BYTES + 1];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: READ_PIECE_BYTES + 1 }), (length) => {
        const part = { $case: 'piece', value: Buffer.alloc(length, length & 0xff) } as const;
        expect(encodeRead({ part }).equals(ReadChunksResponse.encode({ part }).finish())).toBe(true);
      }),
      { examples: lengths.map((length) => [length]) },
    );
  });

  it('is what protobuf writes when it is no piece', () => {
    const bytes = (length: number) => Buffer.alloc(length, 3);
    const head = {
      packId: bytes(16),
      kind: PackKind.PACK_KIND_NODE,
      frame: bytes(90),
      sealedFrameKey: bytes(60),
      domainId: bytes(16),
      heldBytes: 0,
    };
    for (const part of [
      { $case: 'head', value: head } as const,
      { $case: 'damaged', value: { chunkIds: bytes(64), reason: 'gone' } } as const,
    ])
      expect(ReadChunksResponse.decode(encodeRead({ part }))).toEqual({ part });
  });

  it('has pieces as small as the reader asks for, within bounds', () => {
    expect([0, 1, 4_096, 16_000, READ_PIECE_BYTES, 2 ** 32 - 1].map(readPieceBytes)).toEqual([
      READ_PIECE_BYTES,
      4_096,
      4_096,
      16_000,
      READ_PIECE_BYTES,
      READ_PIECE_BYTES,
    ]);
  });
});
