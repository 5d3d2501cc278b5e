import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToText, textToBytes } from './path-text.js';

describe('a path in the API', () => {
  it('keeps UTF-8, escapes any other byte and doubles the backslash', () => {
    expect(bytesToText(Buffer.from('/srv/Grüße/€/😀'))).toBe('/srv/Grüße/€/😀');
    expect(bytesToText(Buffer.from([0x2f, 0xff, 0x61, 0xc3, 0x5c, 0xed, 0xa0, 0x80]))).toBe(
      '/\\xffa\\xc3\\\\\\xed\\xa0\\x80',
    );
    expect(textToBytes('\\\\'.repeat(8_192))).toEqual(Buffer.alloc(8_192, '\\'));
    expect(textToBytes('/\\xFFa\\\\x')).toEqual(Buffer.from([0x2f, 0xff, 0x61, 0x5c, 0x78]));
  });

  it('comes back byte by byte, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(textToBytes(bytesToText(bytes)).equals(bytes)).toBe(true);
      }),
    );
  });

  it('tells characters from other bytes as the platform does', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const isCharacter = (bytes: Buffer): boolean => {
      try {
        return [...decoder.decode(bytes)].length === 1;
      } catch {
        return false;
      }
    };
    const byte = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0x90, 0x8f),
    );
    fc.assert(
      fc.property(fc.array(byte, { minLength: 1, maxLength: 4 }), (bytes) => {
        const one = Buffer.from(bytes);
        // The byte behind it keeps the whole from being UTF-8.
        const text = bytesToText(Buffer.concat([one, Buffer.from([0xff])])).slice(0, -4);
        if (isCharacter(one)) expect(text).toBe(one.toString() === '\\' ? '\\\\' : one.toString());
        else expect(text.length).toBeGreaterThan(1);
      }),
      { numRuns: 3_000 },
    );
  });

  it('refuses an escape that means nothing, lone surrogates and what is too long', () => {
    for (const text of ['\\', 'a\\n', '\\x', '\\x1', '\\xg0', '\\x0@', '\\X00', '\ud800', 'a'.repeat(16_385)]) {
      expect(() => textToBytes(text)).toThrowError(expect.objectContaining({ code: 'MALFORMED_PATH' }));
    }
  });
});
