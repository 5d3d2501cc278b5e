import { expect, it } from 'vitest';
import { partIn } from './restored-part';

it.each([
  ['/', ['/srv', '/etc'], 'all'],
  ['/srv', ['/srv'], 'all'],
  ['/srv', ['/srv/www', '/srv/db'], 'all'],
  ['/', ['/'], 'all'],
  ['/srv/www', ['/srv'], 'some'],
  ['/srv', ['/srv', '/etc'], 'some'],
  ['/home', ['/'], 'some'],
  ['/sr', ['/srv'], 'nothing'],
  ['/home', ['/srv', '/etc'], 'nothing'],
] as const)('%s has of a point of %j %s', (base, roots, part) => {
  expect(partIn(base, roots)).toBe(part);
});
