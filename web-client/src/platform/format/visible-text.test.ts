import { describe, expect, it } from 'vitest';
import { visibleText } from './visible-text';

describe('a name from a host', () => {
  it('stays as it is when all of it can be seen', () => {
    const names = ['report 2026.pdf', 'naïve-日本語-ملف.txt', '😀.png', '<b>&amp;', 'caf\\xE9'];
    expect(names.map(visibleText)).toEqual(names);
  });

  it('cannot turn its extension around', () => {
    expect(visibleText('invoice\u202Efdp.exe')).toBe('invoice\\u{202E}fdp.exe');
    expect(visibleText('a\u2066b\u2069c\u200Fd')).toBe('a\\u{2066}b\\u{2069}c\\u{200F}d');
  });

  it('cannot hide characters or break the line', () => {
    expect(visibleText('a\u200Bb\u00ADc\uFEFF')).toBe('a\\u{200B}b\\u{AD}c\\u{FEFF}');
    expect(visibleText('a\nb\u0000\u0085\u2028')).toBe('a\\u{A}b\\u{0}\\u{85}\\u{2028}');
    expect(visibleText('\u3164\uFE0F\u{E0041}')).toBe('\\u{3164}\\u{FE0F}\\u{E0041}');
  });
});
