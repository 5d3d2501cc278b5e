import { describe, expect, it } from 'vitest';
import { describeRate, describeSpan, parseRate, parseSpan, withRates } from './bandwidth.js';
import { parseWeekdays } from './weekdays.js';

describe('a rate on the command line', () => {
  it.each([
    ['10MB/s', '10000000', '10 MB/s'],
    ['1.5 MB/s', '1500000', '1.5 MB/s'],
    ['500kB/s', '500000', '500 kB/s'],
    ['80Mbit/s', '10000000', '10 MB/s'],
    ['2MiB/s', '2097152', '2097.152 kB/s'],
    ['1Gbit/s', '125000000', '125 MB/s'],
    ['64KiB/s', '65536', '65.536 kB/s'],
    ['20001B/s', '20001', '20.001 kB/s'],
    ['none', null, 'none'],
  ])('%s is %s bytes per second, and is said as %s', (text, rate, said) => {
    expect(parseRate(text)).toEqual({ rate });
    expect(describeRate(rate)).toBe(said);
  });

  it.each(['10', '10Mb/s', '10M', 'fast', '-1MB/s', '10MB/h', 'MB/s'])('%s is none', (text) => {
    expect(() => parseRate(text)).toThrow(/rate like/);
  });
});

describe('a span of the week on the command line', () => {
  it.each([
    ['mon', ['MONDAY']],
    ['mon-fri', ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY']],
    ['sat-mon', ['MONDAY', 'SATURDAY', 'SUNDAY']],
    ['thu,mon,thursday', ['MONDAY', 'THURSDAY']],
    ['mon-tue,sun', ['MONDAY', 'TUESDAY', 'SUNDAY']],
  ])('takes %s for days', (text, days) => {
    expect(parseWeekdays(text)).toEqual(days);
  });

  it('has days, times and a zone, which is this one unless given', () => {
    const span = parseSpan('sat-sun  22:00-06:00 Europe/Berlin');
    expect(span).toEqual({ weekdays: ['SATURDAY', 'SUNDAY'], from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' });
    expect(describeSpan(span)).toBe('sat,sun 22:00-06:00 Europe/Berlin');
    expect(parseSpan('mon 08:00-09:00').timeZone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  it.each(['', 'mon', 'mon 8-18', 'someday 08:00-18:00 UTC', 'mon-tue-wed 08:00-18:00', 'mon 08:00-18:00 UTC extra'])(
    'is not "%s"',
    (text) => {
      expect(() => parseSpan(text)).toThrow();
    },
  );
});

describe('a change of limits', () => {
  const span = parseSpan('mon-fri 08:00-18:00 UTC');
  const before = { uploadBytesPerSecond: '9', downloadBytesPerSecond: null, windows: [] };

  it('without a span changes what holds otherwise, and leaves the windows', () => {
    const window = { ...span, uploadBytesPerSecond: '1' };
    expect(withRates({ ...before, windows: [window] }, { downloadBytesPerSecond: '7' })).toEqual({
      uploadBytesPerSecond: '9',
      downloadBytesPerSecond: '7',
      windows: [window],
    });
  });

  it('makes a window with what holds otherwise for what was not said', () => {
    expect(withRates(before, { downloadBytesPerSecond: '7' }, span)).toEqual({
      ...before,
      windows: [{ ...span, uploadBytesPerSecond: '9', downloadBytesPerSecond: '7' }],
    });
  });

  it('changes a window that is there, and no other', () => {
    const other = { ...parseSpan('sun 00:00-00:00 UTC'), uploadBytesPerSecond: '3' };
    const window = { ...span, uploadBytesPerSecond: '1', downloadBytesPerSecond: '2' };
    const { windows } = withRates({ ...before, windows: [window, other] }, { uploadBytesPerSecond: null }, span);
    expect(windows).toEqual([other, { ...window, uploadBytesPerSecond: null }]);
  });
});
