import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { freeMemory } from './free-memory.js';

const BLOCK_BYTES = 100_000;
const BLOCKS = 1_000;

function residentBytes(): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

it.skipIf(process.platform !== 'linux')('gives memory back that nothing uses any more', () => {
  // Below the size from which the C library maps memory for one block alone; the last one keeps what lies before it.
  let blocks: Uint8Array[] = Array.from({ length: BLOCKS }, () => Buffer.alloc(BLOCK_BYTES, 1));
  const before = residentBytes();
  blocks = blocks.slice(-1);
  freeMemory();
  expect(before - residentBytes()).toBeGreaterThan(BLOCKS * BLOCK_BYTES * 0.5);
  expect(blocks.length).toBe(1);
});
