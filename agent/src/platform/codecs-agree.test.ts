import { nodeCodec } from '@holdfast/core/engine';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/kit/fuzz.js';
import { decompressInvented, zstdBody } from '../../../test/kit/zstd-bodies.js';
import { hostCodec } from './native-codec.js';

const codecs = [nodeCodec, hostCodec()] as const;

describe('a compressed body', () => {
  it('is taken or refused alike by both codecs, however it is damaged', () =>
    fuzz(zstdBody(codecs), 'every test run', 2_000));

  it('is taken or refused alike by both codecs, however it was put together', () => {
    const taken = decompressInvented(codecs, 'every test run', 8_000);
    expect(taken).toBeGreaterThan(1_000);
    expect(taken).toBeLessThan(7_000);
  });
});
