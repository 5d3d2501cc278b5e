import { createInterface } from 'node:readline/promises';
import { HoldfastError } from '@holdfast/core/errors';
import { printable } from '../output/printer.js';

export const YES = ['-y, --yes', 'do not ask', false] as const;

/**
 * Asks whoever sits at a terminal before something is done that cannot be undone; a script has decided already. Throws Cancelled unless
 * the answer is yes.
 */
export async function confirm(question: string, { yes, json }: { yes: boolean; json: boolean }): Promise<void> {
  if (yes || json || !process.stdin.isTTY || !process.stderr.isTTY) return;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${printable(question)} [y/N] `);
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new HoldfastError({ kind: 'Cancelled', code: 'CANCELLED', message: 'nothing was done' });
}
