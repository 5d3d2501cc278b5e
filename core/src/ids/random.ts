import { createCipheriv, createHash, randomFillSync } from 'node:crypto';

/** Where randomness comes from. Real keys and ids need `systemRandom`; tests pass a seeded one. */
export interface Random {
  /** `length` fresh random bytes, owned by the caller. */
  bytes(length: number): Buffer;
}

/** The operating system's generator: the one place in the product that reads it. */
export const systemRandom: Random = {
  bytes: (length) => randomFillSync(Buffer.allocUnsafeSlow(length)),
};

/** A repeatable sequence: the AES-256-CTR key stream under SHA-256 of the seed. For tests and test material only. */
export function seededRandom(seed: string): Random {
  const stream = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  return { bytes: (length) => stream.update(Buffer.alloc(length)) };
}
