import { HoldfastError } from '@holdfast/core/errors';

const CTRL_C = 3;
const CTRL_D = 4;
const BACKSPACES = new Set([8, 127]);
const LINE_ENDS = new Set([10, 13, CTRL_D]);

/** Asks on the terminal without showing what is typed; from a pipe, takes the first line. Throws Validation when there is nothing. */
export async function askSecret(prompt: string, what: string, otherwise = ''): Promise<string> {
  return nonEmpty(await readTyped(prompt, 'a line'), what, otherwise);
}

/** As `askSecret`, but takes all of a pipe: what was saved may have other lines around the secret. */
export async function askSavedSecret(prompt: string, what: string): Promise<string> {
  return nonEmpty(await readTyped(prompt, 'all'), what, '');
}

function nonEmpty(secret: string, what: string, otherwise: string): string {
  if (secret !== '') return secret;
  throw new HoldfastError({
    kind: 'Validation',
    code: 'NOTHING_TYPED',
    message: process.stdin.isTTY
      ? `no ${what} was typed`
      : `there is no ${what}: standard input is no terminal and holds nothing. Run this in a terminal, or pipe the ${what} in${otherwise}`,
  });
}

async function readTyped(prompt: string, ofPipe: 'a line' | 'all'): Promise<string> {
  const input = process.stdin;
  if (input.isTTY) {
    process.stderr.write(prompt);
    input.setRawMode(true);
  }
  const typed: number[] = [];
  try {
    for await (const data of input) {
      for (const byte of data as Buffer) {
        if (byte === CTRL_C && input.isTTY)
          throw new HoldfastError({ kind: 'Cancelled', code: 'CANCELLED', message: 'cancelled' });
        if (LINE_ENDS.has(byte) && (input.isTTY || ofPipe === 'a line')) return Buffer.from(typed).toString('utf8');
        if (BACKSPACES.has(byte) && input.isTTY) typed.pop();
        else typed.push(byte);
      }
    }
    return Buffer.from(typed).toString('utf8');
  } finally {
    if (input.isTTY) {
      input.setRawMode(false);
      process.stderr.write('\n');
    }
    input.pause();
  }
}
