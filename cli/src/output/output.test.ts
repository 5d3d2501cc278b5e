import { describe, expect, it, vi } from 'vitest';
import { formatBytes, formatDuration, formatMode } from './amounts.js';
import { createPrinter, formatTable, printable } from './printer.js';

describe('formatTable', () => {
  it('aligns columns and shows absent values as a dash', () => {
    expect(
      formatTable(
        ['NAME', 'SIZE'],
        [
          ['a', 1],
          ['longer', null],
        ],
      ),
    ).toBe('NAME    SIZE\na       1\nlonger  -');
  });

  it('says below a row what would make a column too wide', () => {
    expect(
      formatTable(
        ['NAME', 'ID'],
        [
          ['a', 1],
          ['b', 2],
        ],
        ['', 'why it\u001b[31m'],
      ),
    ).toBe('NAME  ID\na     1\nb     2\n  why it\\x1b[31m');
  });

  it('never sends control characters of a name to the terminal', () => {
    expect(printable('a\u001b[31mred\nline\u202e')).toBe('a\\x1b[31mred\\x0aline\\xe2\\x80\\xae');
  });
});

describe('the printer', () => {
  it('lets no line and no document hold a control character, and scripts read the name as it is', () => {
    const written: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    const name = 'a\u001b[31m\u009b2J\u202e';
    try {
      createPrinter(false).line(`Restored ${name}\nto /x`);
      createPrinter(true).result({ name }, () => undefined);
    } finally {
      write.mockRestore();
    }
    expect(written[0]).toBe('Restored a\\x1b[31m\\xc2\\x9b2J\\xe2\\x80\\xae\nto /x\n');
    expect(written[1]).toBe('{"name":"a\\u001b[31m\\u009b2J\\u202e"}\n');
    expect(JSON.parse(written[1] ?? '')).toEqual({ name });
  });
});

describe('amounts', () => {
  it('are shown in binary units', () => {
    expect([formatBytes('0'), formatBytes('1023'), formatBytes('1536'), formatBytes('5368709120')]).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '5.0 GiB',
    ]);
  });

  it('of time are shown in at most two units', () => {
    expect([formatDuration(3.4), formatDuration(75), formatDuration(7300)]).toEqual(['3 s', '1 min 15 s', '2 h 1 min']);
  });

  it('of permissions read as ls shows them', () => {
    expect([formatMode(0o755), formatMode(0o4644), formatMode(0o1777), formatMode(0)]).toEqual([
      'rwxr-xr-x',
      'rwSr--r--',
      'rwxrwxrwt',
      '---------',
    ]);
  });
});
