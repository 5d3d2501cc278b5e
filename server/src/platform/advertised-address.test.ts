import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { advertisedAddress } from './advertised-address.js';

describe('the address that people and agents are told', () => {
  it.each([
    ['https://0.0.0.0:8400', 'backup.example', 'https://backup.example:8400'],
    ['127.0.0.1:8403', 'backup.example', 'backup.example:8403'],
    ['[::]:8403', '2001:db8::7', '[2001:db8::7]:8403'],
    ['http://127.0.0.1:8400', undefined, 'http://127.0.0.1:8400'],
    ['https://[::1]:8400', undefined, 'https://[::1]:8400'],
    ['0.0.0.0:8403', undefined, `${hostname()}:8403`],
    ['https://[::]:8400', undefined, `https://${hostname()}:8400`],
  ])('says for %s, known as %s: %s', (bound, publicAddress, told) => {
    expect(advertisedAddress(bound, publicAddress)).toBe(told);
  });
});
