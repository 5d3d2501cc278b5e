import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-child-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A child whose threads for files all wait for a file that does not answer, and which can say that it stopped. */
function program(stop: string): string {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const path = join(folder, 'child.mjs');
  writeFileSync(
    path,
    `import { open } from 'node:fs';
    import { runChild } from ${JSON.stringify(new URL('run-child.ts', import.meta.url).href)};
    const channel = { send: async () => {}, onMessage() {}, onGone: (listener) => process.once('disconnect', listener) };
    runChild(channel, { error() {} }, async () => ({ stop: ${stop} }));
    for (let thread = 0; thread < 8; thread += 1) open(${JSON.stringify(fifo)}, 'r', () => {});
    process.send('runs');`,
  );
  return path;
}

describe('a child process whose supervisor is gone', () => {
  it.each([
    ['stops', 'async () => {}'],
    ['never stops', '() => new Promise(() => {})'],
  ])('ends within seconds where it %s, also when a disk does not answer', { timeout: 15_000 }, async (_, stop) => {
    const child = fork(program(stop), { execArgv: [] });
    await once(child, 'message');
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(8_000) });
    child.disconnect();
    expect(await ended.finally(() => child.kill('SIGKILL'))).toEqual([null, 'SIGKILL']);
  });
});
