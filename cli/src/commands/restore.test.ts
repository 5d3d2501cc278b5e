import { expect, it } from 'vitest';
import { describeExtent } from './restore.js';

it.each([
  [{ select: [] }, 'Restoring all of web-1 to where it was backed up.'],
  [{ to: '/x', select: [] }, 'Restoring all of web-1 below /x, with whole paths.'],
  [{ to: '/x', base: '/', select: [] }, 'Restoring all of web-1 to /x.'],
  [{ to: '/x', base: '/srv/odd', select: [] }, 'Restoring only what lies below /srv/odd of web-1 to /x.'],
  [{ to: '/x', base: '/srv', select: ['/srv/a', '/srv/b'] }, 'Restoring only /srv/a, /srv/b of web-1 to /x.'],
])('says of %j which part of the point is restored', (options, words) => {
  expect(describeExtent('web-1', options)).toBe(words);
});
