import { ID_WORDS } from './entry.js';

/** Bits of a tag. */
export const TAG_BITS = 31;
const ROUNDS_AT_THE_END = 3;

/**
 * Tags of chunk ids: HalfSipHash-1-3 without the block for the length, which is the same for all. Ids come from agents, who may make up
 * any; without the secret nobody finds ones that meet (https://www.aumasson.jp/siphash/siphash.pdf, and Linux' documentation of hsiphash).
 */
export class IdHash {
  private readonly low: number;
  private readonly high: number;

  /** @param secret at least 8 bytes */
  constructor(secret: Buffer) {
    this.low = secret.readInt32LE(0);
    this.high = secret.readInt32LE(4);
  }

  tagOf(ids: Int32Array, at: number): number {
    let v0 = this.low;
    let v1 = this.high;
    let v2 = 0x6c796765 ^ this.low;
    let v3 = 0x74656462 ^ this.high;
    for (let round = 0; round < ID_WORDS + ROUNDS_AT_THE_END; round++) {
      const word = round < ID_WORDS ? (ids[at + round] as number) : 0;
      if (round === ID_WORDS) v2 ^= 0xff;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    return (v1 ^ v3) >>> 1;
  }
}
