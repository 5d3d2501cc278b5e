import { Command } from 'commander';
import { expect, it } from 'vitest';
import { WordOption } from './word-option.js';

const parse = (given: string) =>
  new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .addOption(new WordOption('--mode <mode>', 'how', ['SKIP', 'KEEP_BOTH']).default('SKIP'))
    .parse(['--mode', given], { from: 'user' })
    .opts();

it('takes its words as people write them, and no others', () => {
  for (const given of ['KEEP_BOTH', 'keep_both', 'keep-both', 'Keep-Both'])
    expect(parse(given)).toEqual({ mode: 'KEEP_BOTH' });
  expect(() => parse('keepboth')).toThrow(/'keepboth' is invalid. Allowed choices are SKIP, KEEP_BOTH\./);
});
