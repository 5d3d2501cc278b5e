import { describe, expect, it } from 'vitest';
import { bandwidthLines } from './bandwidth-words';

const NONE = { uploadBytesPerSecond: null, downloadBytesPerSecond: null };
const work = {
  weekdays: ['MONDAY' as const, 'FRIDAY' as const],
  from: '08:00',
  to: '18:00',
  timeZone: 'Europe/Berlin',
  uploadBytesPerSecond: '1048576',
  downloadBytesPerSecond: null,
};

describe("the words for an agent's bandwidth", () => {
  it.each([
    ['nothing where nothing is limited', { ...NONE, windows: [] }, []],
    [
      'one limit',
      { uploadBytesPerSecond: null, downloadBytesPerSecond: '2097152', windows: [] },
      ['up unlimited, down 2.0 MiB/s'],
    ],
    [
      'windows, and what holds otherwise',
      { ...NONE, windows: [work, { ...work, ...NONE, weekdays: ['SUNDAY' as const], from: '22:00', to: '06:00' }] },
      [
        'Mon, Fri 08:00–18:00 Europe/Berlin: up 1.0 MiB/s, down unlimited',
        'Sun 22:00–06:00 Europe/Berlin: unlimited',
        'Otherwise: unlimited',
      ],
    ],
  ])('name %s', (_, limits, lines) => {
    expect(bandwidthLines(limits, 'en')).toEqual(lines);
  });
});
