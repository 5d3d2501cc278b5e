import { describe, expect, it } from 'vitest';
import { itemName } from './protect.js';

/** The rule of the server's item names. */
const ACCEPTED = /^[\p{L}\p{N}][\p{L}\p{N} ._()-]{0,62}$/u;

describe('the name of an item that was given none', () => {
  it.each([
    ['/home', 'web-1 home'],
    ['/home/', 'web-1 home'],
    ['/', 'web-1 root'],
    ['/srv/a:b\\xff', 'web-1 a-b-xff'],
  ])('is for %s: %s', (folder, name) => {
    expect(itemName('web-1', folder)).toBe(name);
  });

  it('is always one that the server takes', () => {
    for (const folder of ['/', '/*', `/${'x'.repeat(200)}`, '/a b ', '/…'])
      expect(itemName('web-1', folder)).toMatch(ACCEPTED);
  });
});
