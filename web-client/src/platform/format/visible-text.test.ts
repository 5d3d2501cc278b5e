import { describe, expect, it } from 'vitest';
import { visibleText } from './visible-text';

describe('a name from a host', () => {
  it('stays as it is when all of it can be seen', () => {
    const names = ['report 2026.pdf', 'naïve-日本語-ملف.txt', '😀.png', '<b>&amp;', 'caf\\xE9'];
    expect(names.map(visibleText)).toEqual(names);
  });

  it('cannot turn its extension around', () => {
    expect(visibleText('invoice\u202Efdp.exe')).toBe('invoice\\xe2\\x80\\xaefdp.exe');
    expect(visibleText('a\u2066b\u2069c\u200Fd')).toBe('a\\xe2\\x81\\xa6b\\xe2\\x81\\xa9c\\xe2\\x80\\x8fd');
  });

  it('cannot hide characters or break the line', () => {
    expect(visibleText('a\u200Bb\u00ADc\uFEFF')).toBe('a\\xe2\\x80\\x8bb\\xc2\\xadc\\xef\\xbb\\xbf');
    expect(visibleText('a\nb\u0000\u0085\u2028')).toBe('a\\x0ab\\x00\\xc2\\x85\\xe2\\x80\\xa8');
    expect(visibleText('\u3164\uFE0F\u{E0041}')).toBe('\\xe3\\x85\\xa4\\xef\\xb8\\x8f\\xf3\\xa0\\x81\\x81');
  });
});
