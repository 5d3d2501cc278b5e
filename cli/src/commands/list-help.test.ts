import { expect, it } from 'vitest';
import { buildProgram } from '../program.js';

function helpOf(name: string): string {
  const group = buildProgram().commands.find((command) => command.name() === name);
  let text = '';
  group?.configureOutput({ writeOut: (words) => (text += words) }).outputHelp();
  return text;
}

it('is in the help of a group with what the list takes', () => {
  expect(helpOf('points')).toContain('Without a command it does as: holdfast points list [options] [item]\n');
  expect(helpOf('points')).toMatch(/^ {2}-n, --limit <n> {2}how many \(default: 20\)$/m);
  expect(helpOf('vault')).toMatch(/^Without a command it does as: holdfast vault list\b/m);
});
