import { describe, expect, it } from 'vitest';
import { countOf, formatBytes, formatCount, formatRate } from './amounts';

describe('amounts', () => {
  it('shows bytes in the largest unit that keeps a digit before the point', () => {
    const shown = ['0', '1023', '1024', '1536', '1048576', '5368709120'].map((bytes) => formatBytes(bytes, 'en'));
    expect(shown).toEqual(['0 B', '1,023 B', '1.0 KiB', '1.5 KiB', '1.0 MiB', '5.0 GiB']);
  });

  it('never shows a unit that rounding has filled', () => {
    expect(formatBytes(1024 * 1024 - 1, 'en')).toBe('1.0 MiB');
    expect(formatBytes('1125899906842624', 'en')).toBe('1.0 PiB');
  });

  it('groups and points as the locale does', () => {
    expect(formatBytes('1610612736', 'de')).toBe('1,5 GiB');
    expect(formatCount('1234567', 'de')).toBe('1.234.567');
  });

  it('counts past 2^53 without rounding', () => {
    expect(formatCount('9007199254740993', 'en')).toBe('9,007,199,254,740,993');
  });

  it('says a rate per second', () => {
    expect(formatRate('2097152', 'en')).toBe('2.0 MiB/s');
  });

  it('puts the noun in the number', () => {
    expect([countOf('1', 'file'), countOf(0, 'file'), countOf(2, 'entry', 'entries')]).toEqual([
      '1 file',
      '0 files',
      '2 entries',
    ]);
  });
});
