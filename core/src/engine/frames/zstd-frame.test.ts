import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { nodeCodec } from './frame-codec.js';
import { isOneZstdFrame } from './zstd-frame.js';

const MAGIC = '28b52ffd';
/** One last raw block with one byte. */
const BLOCK = '090000' + '78';
const SKIPPABLE = '502a4d18' + '02000000' + 'beef';
const hex = (...parts: string[]): Buffer => Buffer.from(parts.join(''), 'hex');
/** Not of a single segment, with a length of four bytes. */
const withWindow = (descriptor: number): Buffer =>
  hex(MAGIC, '80', Buffer.from([descriptor]).toString('hex'), '01000000', BLOCK);

describe('one zstd frame', () => {
  it.each([
    ['a length of one byte', hex(MAGIC, '20', '01', BLOCK)],
    ['a length of four bytes', hex(MAGIC, 'a0', '01000000', BLOCK)],
    ['a length of eight bytes', hex(MAGIC, 'e0', '0100000000000000', BLOCK)],
    ['a window of 1 KiB', withWindow(0)],
    ['a window of 8 MiB', withWindow(13 << 3)],
    ['empty blocks', hex(MAGIC, '20', '01', '000000', '000000', BLOCK)],
    ['a repeated byte', hex(MAGIC, '20', '01', '0b0000', '78')],
  ])('may have %s', (_, body) => {
    expect(isOneZstdFrame(body, 1)).toBe(true);
    expect(nodeCodec.decompress(body, 1)?.toString()).toBe('x');
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a magic number alone', hex(MAGIC)],
    ['another magic number', hex('27b52ffd', '20', '01', BLOCK)],
    ['no length', hex(MAGIC, '00', '68', BLOCK)],
    ['another length', hex(MAGIC, '20', '02', BLOCK)],
    ['a length far beyond', hex(MAGIC, 'e0', '0100000001000000', BLOCK)],
    ['an id of a dictionary', hex(MAGIC, '21', '05', '01', BLOCK)],
    ['an id of no dictionary', hex(MAGIC, '21', '00', '01', BLOCK)],
    ['a reserved bit', hex(MAGIC, '28', '01', BLOCK)],
    ['an unused bit', hex(MAGIC, '30', '01', BLOCK)],
    ['a window of 9 MiB', withWindow((13 << 3) | 1)],
    ['a window of 2 GiB', withWindow(21 << 3)],
    ['a block of the reserved type', hex(MAGIC, '20', '01', '0f0000', '78')],
    ['a block longer than its content', hex(MAGIC, '20', '01', '110000', '7878')],
    ['no last block', hex(MAGIC, '20', '01', '080000', '78')],
    ['a block that is cut', hex(MAGIC, '20', '01', '090000')],
    ['a byte behind it', hex(MAGIC, '20', '01', BLOCK, '2a')],
    ['a zero behind it', hex(MAGIC, '20', '01', BLOCK, '00')],
    ['a checksum that it does not announce', hex(MAGIC, '20', '01', BLOCK, '12345678')],
    ['a checksum that is cut', hex(MAGIC, '24', '01', BLOCK, '123456')],
    ['a skippable frame before it', hex(SKIPPABLE, MAGIC, '20', '01', BLOCK)],
    ['a skippable frame behind it', hex(MAGIC, '20', '01', BLOCK, SKIPPABLE)],
    ['an empty frame behind it', hex(MAGIC, '20', '01', BLOCK, MAGIC, '20', '00', '010000')],
  ])('is not %s', (_, body) => {
    expect(isOneZstdFrame(body, 1)).toBe(false);
    expect(nodeCodec.decompress(body, 1)).toBeUndefined();
  });

  it('is what zstd makes of any length, at any level, with a checksum or without', () => {
    for (const length of [1, 63, 64, 255, 256, 257, 65_791, 65_792, 300_000, 8 << 20]) {
      const plaintext = Buffer.alloc(length, 'the same again ');
      expect(nodeCodec.decompress(nodeCodec.compress(plaintext), length)?.equals(plaintext)).toBe(true);
      for (const level of [-5, 1, 3, 12]) {
        const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
        const body = zstdCompressSync(plaintext, { params });
        expect(isOneZstdFrame(body, length)).toBe(true);
        expect(isOneZstdFrame(body, length + 1)).toBe(false);
      }
    }
  });

  it('with a checksum that is wrong does not decompress', () => {
    const plaintext = Buffer.from('the content');
    const body = zstdCompressSync(plaintext, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    expect(nodeCodec.decompress(body, plaintext.length)).toEqual(plaintext);
    body.writeUInt8(body.readUInt8(body.length - 1) ^ 1, body.length - 1);
    expect(nodeCodec.decompress(body, plaintext.length)).toBeUndefined();
  });
});
