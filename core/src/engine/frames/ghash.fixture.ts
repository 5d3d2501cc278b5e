/** The arithmetic of GMAC (NIST SP 800-38D, 6.3), block by block, for tests that check or forge it. */
const BLOCK_BYTES = 16;

export function toBits(block: Buffer): bigint {
  return BigInt(`0x${block.toString('hex')}`);
}

export function toBlock(bits: bigint): Buffer {
  return Buffer.from(bits.toString(16).padStart(2 * BLOCK_BYTES, '0'), 'hex');
}

/** In GF(2^128), whose first bit is the highest here. */
export function product(x: bigint, y: bigint): bigint {
  let z = 0n;
  let v = y;
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    if ((x >> bit) & 1n) z ^= v;
    v = v & 1n ? (v >> 1n) ^ (0xe1n << 120n) : v >> 1n;
  }
  return z;
}
