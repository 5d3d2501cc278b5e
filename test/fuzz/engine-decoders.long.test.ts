import { expect, it } from 'vitest';
import { fuzz } from '../kit/fuzz.js';
import { ENGINE_DECODERS } from './engine-decoders.js';

const seed = process.env.HOLDFAST_TEST_SEED ?? String(Date.now());
const TIMES = 40_000;

it.each(ENGINE_DECODERS.map((decoder, row) => [decoder.name, row, decoder] as const))(
  `%s (row %i) takes nothing that it should refuse, for long (seed ${seed})`,
  async (_, __, decoder) => {
    const before = process.memoryUsage().rss;
    await fuzz(decoder, seed, TIMES);
    expect(process.memoryUsage().rss - before).toBeLessThan(512 << 20);
  },
);
