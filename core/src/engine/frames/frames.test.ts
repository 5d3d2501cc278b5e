import { zstdCompressSync } from 'node:zlib';
import { Codec, type FrameEntry, PackKind } from '@holdfast/proto/vault';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../errors/index.js';
import { seededRandom } from '../../ids/index.js';
import { ChunkHasher } from '../chunks/chunk-hasher.js';
import { KeyDeriver } from '../sealing/hkdf.js';
import { decodeFrameEntry, deriveFrameKey, encodeFrameEntry, type FrameContext } from './frame.js';
import { frameCheck } from './frame-check.js';
import { nodeCodec } from './frame-codec.js';
import { FrameGatherer } from './frame-gatherer.js';
import { openChunks, openFrame } from './open-frame.js';
import { padmeLength } from './padding.js';
import { FrameSealer, type PlainFrame, type SealedFrame } from './seal-frame.js';

const context: FrameContext = {
  vaultId: Buffer.alloc(16, 1),
  domainId: Buffer.alloc(16, 2),
  kind: PackKind.PACK_KIND_DATA,
};
const sessionKey = Buffer.alloc(32, 3);
const hasher = new ChunkHasher(Buffer.alloc(32, 4));
const keys = new KeyDeriver(sessionKey);

function frameOf(contents: readonly Uint8Array[]): PlainFrame {
  return {
    plaintext: Buffer.concat(contents),
    chunks: contents.map((each) => ({ id: hasher.nameData(each).id, length: each.length })),
  };
}

function seal(contents: readonly Uint8Array[], padded = false): SealedFrame & { entry: FrameEntry } {
  const sealed = new FrameSealer({ context, sessionKey, padded }).seal(frameOf(contents));
  return { stored: sealed.stored, entry: { offset: 16n, ...sealed.entry } };
}

function open(entry: FrameEntry, stored: Uint8Array, where: FrameContext = context): Buffer[] {
  return openChunks(hasher, deriveFrameKey(keys, entry), where, entry, stored).map((chunk) => chunk.plaintext);
}

const content = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 2_000 }),
  fc.integer({ min: 1, max: 50_000 }).map((length) => Buffer.alloc(length, 'text ')),
  fc.tuple(fc.string(), fc.integer({ min: 1, max: 600_000 })).map(([seed, length]) => seededRandom(seed).bytes(length)),
);

describe('a frame', () => {
  it('gives back every chunk, compressed or not, padded or not', () => {
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 8 }), fc.boolean(), (contents, padded) => {
        const { entry, stored } = seal(contents, padded);
        expect(frameCheck(stored).equals(entry.storedCheck)).toBe(true);
        const opened = open(decodeFrameEntry(encodeFrameEntry(entry), context.kind), stored);
        expect(opened.map((each, index) => each.equals(contents[index] as Uint8Array))).not.toContain(false);
      }),
      { numRuns: 60 },
    );
  });

  it('compresses text and leaves noise alone', () => {
    const text = seal([Buffer.alloc(1 << 20, 'a line of text\n')]);
    const noise = seal([seededRandom('noise').bytes(1 << 20)]);
    expect([text.entry.codec, noise.entry.codec]).toEqual([Codec.CODEC_ZSTD, Codec.CODEC_RAW]);
    expect(text.stored.length).toBeLessThan(20_000);
    expect(noise.stored.length).toBe((1 << 20) + 20);
  });

  it('seals into the buffer it is given', () => {
    const out = Buffer.alloc(4096);
    const { stored } = new FrameSealer({ context, sessionKey, padded: false }).seal(frameOf([Buffer.from('x')]), out);
    expect(stored.buffer).toBe(out.buffer);
  });

  it('is sealed under a key that no other chunks, codec or length share', () => {
    const { entry } = seal([Buffer.from('one'), Buffer.from('two')]);
    const others = [
      { ...entry, codec: Codec.CODEC_ZSTD },
      { ...entry, plainLength: 7 },
      { ...entry, storedLength: entry.storedLength + 1 },
      { ...entry, chunkIds: Buffer.concat([entry.chunkIds.subarray(32), entry.chunkIds.subarray(0, 32)]) },
    ].map((each) => deriveFrameKey(keys, each).toString('hex'));
    expect(new Set([...others, deriveFrameKey(keys, entry).toString('hex')]).size).toBe(5);
  });

  it('does not open in another vault, domain or kind of pack', () => {
    const { entry, stored } = seal([Buffer.from('bound')]);
    for (const where of [
      { ...context, vaultId: Buffer.alloc(16) },
      { ...context, domainId: Buffer.alloc(16) },
    ]) {
      expect(() => open(entry, stored, where)).toThrowError(expect.objectContaining({ kind: 'Integrity' }));
    }
    const asNode = { ...entry, edges: [Buffer.alloc(0)] };
    expect(() => open(asNode, stored, { ...context, kind: PackKind.PACK_KIND_NODE })).toThrowError(
      expect.objectContaining({ kind: 'Integrity' }),
    );
  });

  it('with any bit flipped or any end cut off is refused as damaged', () => {
    for (const contents of [
      [Buffer.from('a small chunk'), Buffer.from('and another')],
      [Buffer.alloc(300, 'zip me ')],
    ]) {
      const { entry, stored } = seal(contents, true);
      for (let bit = 0; bit < stored.length * 8; bit++) {
        const flipped = Buffer.from(stored);
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(() => open(entry, flipped)).toThrowError(expect.objectContaining({ kind: 'Integrity' }));
      }
      for (let length = 0; length < stored.length; length++) {
        const short = stored.subarray(0, length);
        expect(() => open(entry, short)).toThrowError(expect.objectContaining({ kind: 'Integrity' }));
        expect(() => open({ ...entry, storedLength: length }, short)).toThrowError(
          expect.objectContaining({ kind: 'Integrity' }),
        );
      }
    }
  });

  it('with any bit of its entry flipped is refused, or says the same', () => {
    const contents = [Buffer.from('one chunk'), Buffer.alloc(200, 'r')];
    const { entry, stored } = seal(contents);
    const encoded = encodeFrameEntry(entry);
    for (let bit = 0; bit < encoded.length * 8; bit++) {
      const flipped = Buffer.from(encoded);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      let opened: Buffer[] | undefined;
      try {
        opened = open(decodeFrameEntry(flipped, context.kind), stored);
      } catch (error) {
        expect(isHoldfastError(error, 'Integrity')).toBe(true);
      }
      // Offset and stored hash say where the frame lies, not what is in it.
      if (opened) expect(Buffer.concat(opened).equals(Buffer.concat(contents))).toBe(true);
    }
  });

  it('that decompresses to another length than stated is refused', () => {
    const body = zstdCompressSync(Buffer.alloc(4 << 20));
    expect(body.length).toBeLessThan(2_000);
    expect(nodeCodec.decompress(body, 4 << 20)?.length).toBe(4 << 20);
    for (const length of [1, 1000, (4 << 20) - 1, (4 << 20) + 1])
      expect(nodeCodec.decompress(body, length)).toBeUndefined();
  });

  it('of an uploader that lies about its chunks opens but is not believed', () => {
    const lie = new FrameSealer({ context, sessionKey, padded: false }).seal({
      plaintext: Buffer.from('garbage'),
      chunks: [{ id: hasher.nameData(Buffer.from('good')).id, length: 7 }],
    });
    const entry = { offset: 16n, ...lie.entry };
    const key = deriveFrameKey(keys, entry);
    expect(openFrame(key, context, entry, lie.stored).toString()).toBe('garbage');
    expect(() => openChunks(hasher, key, context, entry, lie.stored)).toThrowError(
      expect.objectContaining({ code: 'CHUNK_MISMATCH' }),
    );
  });

  it('is not sealed when it breaks the format', () => {
    const sealer = new FrameSealer({ context, sessionKey, padded: false });
    const id = Buffer.alloc(32);
    const bad: PlainFrame[] = [
      { plaintext: Buffer.alloc(0), chunks: [] },
      { plaintext: Buffer.alloc(3), chunks: [{ id, length: 4 }] },
      { plaintext: Buffer.alloc(3), chunks: [{ id: Buffer.alloc(31), length: 3 }] },
      { plaintext: Buffer.alloc(3), chunks: [{ id, length: 3, edges: id }] },
      { plaintext: Buffer.alloc((8 << 20) + 1), chunks: [{ id, length: (8 << 20) + 1 }] },
    ];
    for (const frame of bad)
      expect(() => sealer.seal(frame)).toThrowError(expect.objectContaining({ kind: 'Validation' }));
  });
});

describe('padding', () => {
  it('never shortens, costs at most 12 %, and leaves few lengths apart', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 << 20 }), (length) => {
        const padded = padmeLength(length);
        expect(padded).toBeGreaterThanOrEqual(length);
        expect(padded).toBeLessThanOrEqual(Math.max(length * 1.12, length + 1));
        expect(padmeLength(padded)).toBe(padded);
      }),
    );
    expect([9, 100, 1000, 1_000_000].map(padmeLength)).toEqual([10, 104, 1024, 1_015_808]);
  });
});

describe('gathering', () => {
  it('keeps every chunk, in order, in frames of about a MiB, and large chunks by themselves', () => {
    const lengths = [10, 900_000, 300_000, 200_000, 2_000_000, 100_000, 400_000, 700_000, 50_000];
    const frames: { total: number; lengths: number[] }[] = [];
    const gatherer = new FrameGatherer((frame) =>
      frames.push({ total: frame.plaintext.length, lengths: frame.chunks.map((chunk) => chunk.length) }),
    );
    for (const length of lengths) gatherer.add({ id: Buffer.alloc(32), plaintext: Buffer.alloc(length) });
    gatherer.flush();
    gatherer.flush();
    expect(frames.map((frame) => frame.lengths)).toEqual([
      [900_000],
      [2_000_000],
      [700_000],
      [10, 300_000, 200_000, 100_000, 400_000],
      [50_000],
    ]);
    for (const frame of frames) expect(frame.total).toBe(frame.lengths.reduce((sum, each) => sum + each, 0));
  });
});
