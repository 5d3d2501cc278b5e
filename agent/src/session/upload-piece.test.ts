import { UploadPackRequest } from '@holdfast/proto/v1';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePiece, PIECE_BYTES, PieceMemory } from './upload-piece.js';

describe('a piece on the wire', () => {
  it('is what protobuf reads, whatever its length', () => {
    const place = Buffer.alloc(PIECE_BYTES + 16, 0xee);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: PIECE_BYTES }), fc.boolean(), (length, last) => {
        const data = Buffer.alloc(length, 7);
        const { part } = UploadPackRequest.decode(encodePiece(place, data, last));
        if (part?.$case !== 'frame') throw new Error('not a piece');
        expect(part.value.last).toBe(last);
        expect(part.value.data.equals(data)).toBe(true);
      }),
      { examples: [0, 1, 127, 128, 16_383, 16_384, PIECE_BYTES - 1, PIECE_BYTES].map((length) => [length, true]) },
    );
  });
});

describe('the memory of pieces', () => {
  it('is bounded, and used again', () => {
    const memory = new PieceMemory();
    const places: Buffer[] = [];
    for (let place = memory.next(); place !== undefined; place = memory.next()) places.push(place);
    expect(places).toHaveLength(8);
    memory.giveBack(places[2] as Buffer);
    expect(memory.next()).toBe(places[2]);
    expect(memory.next()).toBeUndefined();
  });
});
