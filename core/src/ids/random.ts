import { createHash, randomFillSync } from 'node:crypto';

/** Where randomness comes from. Real keys and ids need `systemRandom`; tests pass a seeded one. */
export interface Random {
  /** `length` fresh random bytes, owned by the caller. */
  bytes(length: number): Buffer;
}

/** The operating system's generator: the one place in the product that reads it. */
export const systemRandom: Random = {
  bytes: (length) => randomFillSync(Buffer.allocUnsafeSlow(length)),
};

/** A repeatable sequence: SHA-256 in counter mode over the seed. For tests and test material only. */
export function seededRandom(seed: string): Random {
  let counter = 0;
  let left = Buffer.alloc(0);
  return {
    bytes(length) {
      const blocks = [left];
      for (let have = left.length; have < length; have += 32) {
        blocks.push(createHash('sha256').update(`${seed}\u0000${counter++}`).digest());
      }
      const all = Buffer.concat(blocks);
      left = Buffer.from(all.subarray(length));
      return Buffer.from(all.subarray(0, length));
    },
  };
}
