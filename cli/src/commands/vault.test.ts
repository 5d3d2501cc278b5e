import { expect, it } from 'vitest';
import { kitIn } from './vault.js';

const kit = `HFK1${'-AB2C'.repeat(14)}`;

it.each([
  ['a line alone', `${kit}\n`],
  ['what a terminal showed', `Created vault HFK1.\r\n\r\nRecovery kit, shown this once:\r\n  ${kit}\r\n\r\nIt holds`],
  ['a document', `{"name":"main","recoveryKit":"${kit}"}\n`],
])('finds a recovery kit in %s', (_, saved) => {
  expect(kitIn(saved)).toBe(kit);
});

it('takes the first line where there is none', () => {
  expect(kitIn('  HFK1-AB2C\nand more')).toBe('HFK1-AB2C');
});
