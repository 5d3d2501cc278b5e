import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToText, textToBytes } from './path-text.js';

describe('a path in the API', () => {
  it('keeps UTF-8, escapes any other byte and doubles the backslash', () => {
    expect(bytesToText(Buffer.from('/srv/Grüße/€/😀'))).toBe('/srv/Grüße/€/😀');
    expect(bytesToText(Buffer.from([0x2f, 0xff, 0x61, 0xc3, 0x5c, 0xed, 0xa0, 0x80]))).toBe(
      '/\\xffa\\xc3\\\\\\xed\\xa0\\x80',
    );
    expect(textToBytes('/\\xFFa\\\\x')).toEqual(Buffer.from([0x2f, 0xff, 0x61, 0x5c, 0x78]));
  });

  it('comes back byte by byte, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(textToBytes(bytesToText(bytes)).equals(bytes)).toBe(true);
      }),
    );
  });

  it('refuses an escape that means nothing, lone surrogates and what is too long', () => {
    for (const text of ['\\', 'a\\n', '\\x1', '\\xg0', '\ud800', 'a'.repeat(16_385)]) {
      expect(() => textToBytes(text)).toThrowError(expect.objectContaining({ code: 'MALFORMED_PATH' }));
    }
  });
});
