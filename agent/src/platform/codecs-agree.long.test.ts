import { nodeCodec } from '@holdfast/core/engine';
import { expect, it } from 'vitest';
import { fuzz } from '../../../test/kit/fuzz.js';
import { decompressInvented, zstdBody } from '../../../test/kit/zstd-bodies.js';
import { hostCodec } from './native-codec.js';

const codecs = [nodeCodec, hostCodec()] as const;

const seed = process.env.HOLDFAST_TEST_SEED ?? String(Date.now());

it(`a compressed body is taken or refused alike by both codecs, for long (seed ${seed})`, async () => {
  await fuzz(zstdBody(codecs), seed, 40_000);
  expect(decompressInvented(codecs, seed, 400_000)).toBeGreaterThan(0);
});
