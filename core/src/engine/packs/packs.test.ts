import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Codec, DomainScope, PackKind } from '@holdfast/proto/vault';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../errors/index.js';
import { seededRandom } from '../../ids/index.js';
import { ChunkHasher } from '../chunks/chunk-hasher.js';
import { sha256 } from '../chunks/hmac-sha256.js';
import { sortedIdSet } from '../format/id-set.js';
import { deriveFrameKey } from '../frames/frame.js';
import { frameCheck } from '../frames/frame-check.js';
import { nodeCodec } from '../frames/frame-codec.js';
import { openChunks } from '../frames/open-frame.js';
import { FrameSealer, type SealedFrame } from '../frames/seal-frame.js';
import { packName } from '../objects/object-names.js';
import { createDomain } from '../sealing/domains.js';
import { KeyDeriver } from '../sealing/hkdf.js';
import { createSessionKey } from '../sealing/session-keys.js';
import { MemoryStore } from '../stores/memory-store.js';
import { PackBuilder, type PackIdentity } from './pack-builder.js';
import { encodePackFooter, parsePackFooter } from './pack-format.js';
import { readFrame, readPackFooter } from './pack-reader.js';
import { PackVerifier } from './pack-verifier.js';

const random = seededRandom('packs');
const vaultId = random.bytes(16);
const domainId = random.bytes(16);
const hasher = new ChunkHasher(Buffer.alloc(32, 1));
const { domain } = await createDomain(
  { vaultId, vaultKey: Buffer.alloc(32), domainId, scope: DomainScope.DOMAIN_SCOPE_VAULT },
  random,
);
const { sessionKey, wrapped } = await createSessionKey(domain.publicKey, { vaultId, domainId }, random);

function identity(kind = PackKind.PACK_KIND_DATA): PackIdentity {
  return { vaultId, packId: Buffer.alloc(16, 7), kind, domainId, sessionKey: wrapped, uploaderId: Buffer.alloc(16, 8) };
}

function sealed(contents: readonly Uint8Array[], kind = PackKind.PACK_KIND_DATA, edges?: Buffer): SealedFrame {
  const chunks = contents.map((each) => ({
    id: hasher.name(kind, edges ?? Buffer.alloc(0), each).id,
    length: each.length,
    ...(edges && { edges }),
  }));
  return new FrameSealer({ context: { vaultId, domainId, kind }, sessionKey, padded: true }).seal({
    plaintext: Buffer.concat(contents),
    chunks,
  });
}

/** As drawn, but for a number in front of each that makes it another. */
function withoutRepetition(frames: readonly (readonly Uint8Array[])[]): Uint8Array[][] {
  let number = 0;
  return frames.map((chunks) => chunks.map((each) => Uint8Array.of(number++, ...each)));
}

function build(frames: readonly SealedFrame[], kind = PackKind.PACK_KIND_DATA) {
  const builder = new PackBuilder(identity(kind));
  for (const frame of frames) builder.add(frame);
  const tail = builder.finish();
  return {
    ...tail,
    object: Buffer.concat([builder.header, ...frames.map((frame) => frame.stored), tail.bytes]),
    header: builder.header,
  };
}

function flip(bytes: Uint8Array, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return flipped;
}

const INTEGRITY: unknown = expect.objectContaining({ kind: 'Integrity' });
const nodeEdges = sortedIdSet([Buffer.alloc(32, 4), Buffer.alloc(32, 3)]);
const small = [sealed([Buffer.from('one'), Buffer.from('two')]), sealed([Buffer.alloc(99, 'three')])];

describe('a pack', () => {
  it('is read back from a store, frame by frame', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 5 }), {
          minLength: 1,
          maxLength: 5,
        }),
        async (drawn) => {
          const contents = withoutRepetition(drawn);
          const pack = build(contents.map((each) => sealed(each)));
          const store = new MemoryStore();
          await store.put(packName(pack.footer.packId), pack.object);
          const footer = await readPackFooter(store, pack.footer.packId);
          expect(footer).toEqual(pack.footer);
          const keys = new KeyDeriver(sessionKey);
          for (const [index, entry] of footer.frames.entries()) {
            const stored = await readFrame(store, footer.packId, entry);
            const chunks = openChunks(
              hasher,
              deriveFrameKey(keys, entry),
              { vaultId, domainId, kind: footer.kind },
              entry,
              stored,
            );
            expect(chunks.map((chunk) => new Uint8Array(chunk.plaintext))).toEqual(contents[index]);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('of nodes keeps their edges', () => {
    const pack = build([sealed([Buffer.from('node')], PackKind.PACK_KIND_NODE, nodeEdges)], PackKind.PACK_KIND_NODE);
    expect(parsePackFooter(pack.footerBytes).frames[0]?.edges[0]?.equals(nodeEdges)).toBe(true);
  });

  it('with any bit flipped is refused where it is read, and never read as something else', async () => {
    const pack = build(small);
    for (let bit = 0; bit < pack.object.length * 8; bit++) {
      const store = new MemoryStore();
      await store.put(packName(pack.footer.packId), flip(pack.object, bit));
      let refused: unknown;
      try {
        const footer = await readPackFooter(store, pack.footer.packId);
        for (const entry of footer.frames) await readFrame(store, footer.packId, entry);
      } catch (error) {
        refused = error;
      }
      if (!isHoldfastError(refused, 'Integrity')) throw new Error(`bit ${bit} was not noticed`, { cause: refused });
    }
  });

  it('cut short anywhere is refused', async () => {
    const pack = build(small);
    for (let length = 0; length < pack.object.length; length++) {
      const store = new MemoryStore();
      await store.put(packName(pack.footer.packId), pack.object.subarray(0, length));
      await expect(readPackFooter(store, pack.footer.packId)).rejects.toEqual(INTEGRITY);
    }
  });

  it('is not made with a chunk twice', () => {
    const builder = new PackBuilder(identity());
    for (const frame of [small[0], small[1], small[0]]) builder.add(frame as SealedFrame);
    expect(() => builder.finish()).toThrowError(
      expect.objectContaining({ kind: 'Validation', code: 'UNSTORABLE_PACK' }),
    );
  });

  it('that is absent is not found', async () => {
    await expect(readPackFooter(new MemoryStore(), Buffer.alloc(16))).rejects.toMatchObject({ kind: 'NotFound' });
  });

  it('under another name is refused', async () => {
    const store = new MemoryStore();
    await store.put(packName(Buffer.alloc(16, 9)), build(small).object);
    await expect(readPackFooter(store, Buffer.alloc(16, 9))).rejects.toEqual(INTEGRITY);
  });

  it('is full at its target, and takes nothing beyond its caps', () => {
    const builder = new PackBuilder(identity());
    const frame = sealed([seededRandom('big').bytes(4 << 20)]);
    let added = 0;
    for (; !builder.isFull; added++) builder.add(frame);
    expect(added).toBe(4);
    while (builder.fits(frame)) builder.add(frame);
    expect(builder.storedBytes).toBeLessThanOrEqual(64 << 20);
    expect(() => builder.add(frame)).toThrowError(expect.objectContaining({ kind: 'Validation' }));
    expect(() => new PackBuilder(identity()).finish()).toThrowError(expect.objectContaining({ kind: 'Validation' }));
  });
});

/** As a frame of 8 MiB is that compresses very well; nobody opens it here. */
function wellCompressed(number: number): SealedFrame {
  const stored = seededRandom(`compressed ${number}`).bytes(64);
  const plainLength = 8 << 20;
  const rest = { codec: Codec.CODEC_ZSTD, plainLength, chunkLengths: [plainLength], edges: [] };
  const entry = { storedLength: stored.length, storedCheck: frameCheck(stored), chunkIds: sha256(stored), ...rest };
  return { stored, entry };
}

describe('a pack of very compressible data', () => {
  it('is full at a quarter GiB of plaintext, and takes in a whole one at most', () => {
    const builder = new PackBuilder(identity());
    let added = 0;
    for (; !builder.isFull; added++) builder.add(wellCompressed(added));
    expect(added).toBe(32);
    for (; builder.fits(wellCompressed(added)); added++) builder.add(wellCompressed(added));
    expect(added).toBe(128);
  });

  it('is not taken in with more plaintext or more frames than that, and is read all the same', async () => {
    const taken = (count: number, plainLength: number) => {
      const frames = Array.from({ length: count }, (_, number) => {
        const { stored, entry } = wellCompressed(number);
        return { stored, entry: { ...entry, plainLength, chunkLengths: [plainLength] } };
      });
      let offset = 16n;
      const entries = frames.map(({ entry }) => {
        offset += 64n;
        return { offset: offset - 64n, ...entry };
      });
      const footer = { ...build(small).footer, frames: entries };
      expect(parsePackFooter(encodePackFooter(footer))).toEqual(footer);
      const verifier = new PackVerifier(footer);
      for (const { stored } of frames) verifier.frame(stored, true);
      return verifier.footer(encodePackFooter(footer));
    };
    expect(taken(128, 8 << 20).footer.frames).toHaveLength(128);
    expect(() => taken(129, 8 << 20)).toThrowError(expect.objectContaining({ code: 'PACK_PLAIN_TOO_LARGE' }));
    expect(taken(4_096, 1).footer.frames).toHaveLength(4_096);
    expect(() => taken(4_097, 1)).toThrowError(expect.objectContaining({ code: 'PACK_TOO_LARGE' }));
  });
});

describe('a footer', () => {
  const { footer, footerBytes } = build(small);
  const [first, second] = footer.frames as [(typeof footer.frames)[0], (typeof footer.frames)[0]];

  it.each([
    ['frames that overlap', { frames: [first, { ...second, offset: second.offset - 1n }] }],
    ['a gap between frames', { frames: [first, { ...second, offset: second.offset + 1n }] }],
    ['no frames', { frames: [] }],
    ['an unknown codec', { frames: [{ ...first, codec: 9 as Codec }] }],
    ['lengths that do not add up', { frames: [{ ...first, plainLength: first.plainLength + 1 }] }],
    ['a chunk twice in a frame', { frames: [{ ...first, chunkIds: Buffer.alloc(64, 5) }] }],
    ['a chunk twice in different frames', { frames: [first, { ...second, chunkIds: first.chunkIds.subarray(0, 32) }] }],
    ['an empty chunk', { frames: [{ ...first, chunkLengths: [0, 6] }] }],
    ['fewer ids than lengths', { frames: [{ ...first, chunkIds: first.chunkIds.subarray(32) }] }],
    ['edges of data', { frames: [{ ...first, edges: [nodeEdges, nodeEdges] }] }],
    ['nodes without edge sets', { kind: PackKind.PACK_KIND_NODE }],
    [
      'unsorted edges',
      {
        kind: PackKind.PACK_KIND_NODE,
        frames: [{ ...first, edges: [nodeEdges, Buffer.concat([nodeEdges.subarray(32), nodeEdges.subarray(0, 32)])] }],
      },
    ],
    [
      'repeated edges',
      { kind: PackKind.PACK_KIND_NODE, frames: [{ ...first, edges: [nodeEdges, Buffer.alloc(64, 3)] }] },
    ],
    ['a cut edge', { kind: PackKind.PACK_KIND_NODE, frames: [{ ...first, edges: [nodeEdges, Buffer.alloc(33, 3)] }] }],
    ['an unknown kind', { kind: 5 as PackKind }],
    ['a short id', { packId: Buffer.alloc(15) }],
    ['no session key', { sessionKey: undefined }],
    ['a frame longer than any', { frames: [{ ...first, storedLength: 0xffffffff }] }],
  ])('with %s is refused', (_, change) => {
    expect(() => parsePackFooter(encodePackFooter({ ...footer, ...change }))).toThrowError(INTEGRITY);
  });

  it('in any other spelling is refused', () => {
    const unknownField = Buffer.concat([footerBytes, Buffer.from([0x98, 0x06, 0x01])]);
    const repeatedField = Buffer.concat([footerBytes, footerBytes]);
    for (const bytes of [unknownField, repeatedField, Buffer.alloc(0), Buffer.alloc(17 << 20)]) {
      expect(() => parsePackFooter(bytes)).toThrowError(INTEGRITY);
    }
  });

  it('of random bytes never does anything but be refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => parsePackFooter(bytes)).toThrowError(INTEGRITY);
      }),
      { numRuns: 500 },
    );
  });
});

describe('verifying a pack as it is uploaded', () => {
  const pack = build(small);
  const expected = {
    vaultId,
    packId: pack.footer.packId,
    kind: PackKind.PACK_KIND_DATA,
    domainId,
    uploaderId: Buffer.alloc(16, 8),
  };

  const ownKey = Buffer.alloc(32, 9);

  function verify(change: { expected?: object; frames?: Buffer[]; footer?: Buffer; header?: Buffer } = {}) {
    const verifier = new PackVerifier({ ...expected, ...change.expected }, ownKey);
    verifier.header(change.header ?? pack.header);
    for (const stored of change.frames ?? small.map((frame) => frame.stored)) {
      verifier.frame(stored.subarray(0, 10), false);
      verifier.frame(stored.subarray(10), true);
    }
    return verifier.footer(change.footer ?? pack.footerBytes);
  }

  it('yields the footer and the very bytes that the pack ends with', () => {
    const verified = verify();
    expect(verified.footer).toEqual(pack.footer);
    expect(Buffer.concat(verified.tail).equals(pack.bytes)).toBe(true);
  });

  it('yields the check of each frame under a key of its own', () => {
    const under = small.map(({ stored }) => frameCheck(stored, nodeCodec, ownKey));
    expect(verify().ownChecks.map((check) => check.toString('hex'))).toEqual(
      under.map((check) => check.toString('hex')),
    );
    expect(under[0]).not.toEqual(small[0]?.entry.storedCheck);
  });

  it('refuses frames that are changed, missing, added or swapped', () => {
    const [a, b] = small.map((frame) => frame.stored) as [Buffer, Buffer];
    for (const frames of [[flip(a, 100), b], [a, flip(b, 3)], [a], [a, b, b], [b, a], [a, b.subarray(1)]]) {
      expect(() => verify({ frames })).toThrowError(INTEGRITY);
    }
  });

  it('refuses a footer with any bit flipped', () => {
    // Bits of fields that only keys can judge: session key, chunk ids, and how the plaintext is split.
    let accepted = 0;
    for (let bit = 0; bit < pack.footerBytes.length * 8; bit++) {
      try {
        verify({ footer: flip(pack.footerBytes, bit) });
        accepted++;
      } catch (error) {
        expect(isHoldfastError(error, 'Integrity')).toBe(true);
      }
    }
    expect(accepted).toBeLessThan((32 + 48 + 3 * 32 + 4) * 8);
  });

  it('refuses a pack of another vault, domain, uploader, kind or id', () => {
    const other = Buffer.alloc(16, 0xee);
    for (const change of [
      { vaultId: other },
      { domainId: other },
      { uploaderId: other },
      { packId: other },
      { kind: PackKind.PACK_KIND_NODE },
    ]) {
      expect(() => verify({ expected: change })).toThrowError(INTEGRITY);
    }
  });

  it('keeps little of each frame, for many packs may be half there', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = used();
    const verifiers = Array.from({ length: 32 }, () => new PackVerifier(expected, ownKey));
    for (const verifier of verifiers) for (let n = 0; n < 4_096; n++) verifier.frame(Buffer.of(1), true);
    expect((used() - before) / verifiers.length).toBeLessThan(300 * 1024);
  });

  it('refuses an unfinished or endless frame, and a header of another version', () => {
    const unfinished = new PackVerifier(expected);
    unfinished.header(pack.header);
    unfinished.frame(Buffer.alloc(40), false);
    expect(() => unfinished.footer(pack.footerBytes)).toThrowError(INTEGRITY);
    const endless = new PackVerifier(expected);
    const piece = Buffer.alloc(1 << 20);
    expect(() => {
      for (let n = 0; n < 20; n++) endless.frame(piece, false);
    }).toThrowError(INTEGRITY);
    for (let bit = 0; bit < 128; bit++)
      expect(() => verify({ header: flip(pack.header, bit) })).toThrowError(INTEGRITY);
  });
});
