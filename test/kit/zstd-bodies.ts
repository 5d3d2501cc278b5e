/**
 * Bodies of compressed frames for two codecs at once. What one takes and another refuses is how somebody would have control call a copy good that no
 * agent opens: each body must be taken by both, with the same plaintext, or by neither.
 */
import { constants, zstdCompressSync } from 'node:zlib';
import type { FrameCodec } from '@holdfast/core/engine';
import { seededRandom } from '@holdfast/core/ids';
import type { Decoder } from './fuzz.js';
import { SeededChance } from './seeded-chance.js';

const random = seededRandom('zstd bodies');

const plaintexts = [
  Buffer.from('x'),
  Buffer.from('production\n'),
  Buffer.alloc(63, 'abcdefgh1234'),
  Buffer.alloc(64, 'abcdefgh1234'),
  random.bytes(300),
  Buffer.concat([Buffer.alloc(5_000, 'the same again. '), random.bytes(500)]),
  Buffer.alloc(300_000, 'longer than a block, and than two '),
];
const LENGTHS = plaintexts.map(({ length }) => length);

/** As different writers make them. */
const bodies = plaintexts.flatMap((plaintext) =>
  [{}, { [constants.ZSTD_c_checksumFlag]: 1 }, { [constants.ZSTD_c_compressionLevel]: 19 }].map((params) =>
    zstdCompressSync(plaintext, { params }),
  ),
);

class RefusedError extends Error {}

type Decompress = Pick<FrameCodec, 'decompress'>;
type Pair = readonly [Decompress, Decompress];

/** Undefined where both refuse the body. Throws where they differ. */
function decompressed([one, two]: Pair, body: Buffer, length: number): Buffer | undefined {
  const [own, other] = [one.decompress(body, length), two.decompress(body, length)];
  if (own === undefined ? other !== undefined : other?.equals(own) !== true)
    throw new Error(`${length} bytes of ${body.toString('hex')}: the first ${told(own)}, the second ${told(other)}`);
  return own;
}

const told = (plaintext: Buffer | undefined): string => (plaintext === undefined ? 'refuses it' : 'takes it');

export const zstdBody = (codecs: Pair): Decoder => ({
  name: 'a compressed body',
  samples: bodies,
  decode: (body) => {
    const taken = LENGTHS.flatMap((length) => decompressed(codecs, body, length) ?? []);
    if (taken.length === 0) throw new RefusedError('refused');
    return taken;
  },
  refuses: (error) => error instanceof RefusedError,
  flaw: (taken) => ((taken as Buffer[]).length === 1 ? undefined : 'it has two lengths'),
  mostBytes: Math.max(...LENGTHS) + (64 << 10),
});

/** Frames by hand, most of which a decoder takes, and what may stand around them. Returns how many of so many were taken. */
export function decompressInvented(codecs: Pair, seed: string, times: number): number {
  const chance = new SeededChance(seed);
  const rarely = (): boolean => chance.below(12) === 0;
  let taken = 0;
  for (let round = 0; round < times; round += 1) {
    const blocks = Array.from({ length: 1 + chance.below(3) }, () => chance.pick([1, 5, 60, 300]));
    const length = blocks.reduce((sum, size) => sum + size, 0);
    const body = Buffer.concat([
      ...(rarely() ? [chance.pick(STRAY)] : []),
      header(chance, rarely() ? length + 1 : length),
      ...blocks.map((size, place) => block(chance, size, (place === blocks.length - 1) !== rarely())),
      ...(rarely() ? [chance.pick(STRAY)] : []),
    ]);
    if (decompressed(codecs, rarely() ? body.subarray(0, -1) : body, length) !== undefined) taken += 1;
  }
  return taken;
}

/** Skippable frames, whole and cut, other frames, and rubbish. */
const STRAY = [
  Buffer.from('502a4d1804000000deadbeef', 'hex'),
  Buffer.from('5f2a4d1804000000de', 'hex'),
  zstdCompressSync(Buffer.alloc(0)),
  zstdCompressSync(Buffer.from('more')),
  Buffer.from('28b52ffd', 'hex'),
  Buffer.from([0]),
  Buffer.from('rubbish'),
];

/** With any window, length field, flags and dictionary, mostly as they should be. */
function header(chance: SeededChance, length: number): Buffer {
  const isSingle = chance.below(3) > 0;
  const lengthFlag = chance.below(10) === 0 ? chance.below(4) : length < 256 && isSingle ? 0 : length < 256 ? 2 : 1;
  const odd = chance.below(10) === 0 ? chance.pick([1, 2, 3, 4, 8, 16]) : 0;
  const descriptor = (lengthFlag << 6) | (isSingle ? 0x20 : 0) | odd;
  const window = isSingle ? [] : [(chance.pick([0, 3, 13, 13, 14, 20, 21, 31]) << 3) | chance.pick([0, 0, 1, 7])];
  const dictionary = Buffer.alloc([0, 1, 2, 4][odd & 3] ?? 0, chance.below(2));
  const field = Buffer.alloc(8);
  field.writeUInt32LE(lengthFlag === 1 ? Math.max(0, length - 256) : length);
  const fieldBytes = lengthFlag > 0 ? 1 << lengthFlag : isSingle ? 1 : 0;
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...window]),
    dictionary,
    field.subarray(0, fieldBytes),
  ]);
}

/** Raw or repeated, and now and then of another type. */
function block(chance: SeededChance, size: number, isLast: boolean): Buffer {
  const type = chance.below(20) === 0 ? chance.pick([2, 3]) : chance.pick([0, 1]);
  const head = Buffer.alloc(3);
  head.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3);
  return Buffer.concat([head, Buffer.alloc(type === 1 ? 1 : size, 'b')]);
}
