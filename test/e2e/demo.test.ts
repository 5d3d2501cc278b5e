import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repository } from '../kit/holdfast/repository.js';
import { canMountDisks, SmallDisk } from '../kit/small-disk.js';
import { removeTree } from '../kit/tree/remove-tree.js';

interface Ended {
  readonly code: number;
  readonly said: string;
  readonly result: { readonly verified: boolean; readonly reason?: string; readonly entries: number };
}

let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-demo-test-'));
});
afterEach(() => removeTree(folder));

function demo(source: string, environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const program = path.join(repository, 'test/dist/demo/main.js');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, '--once', '--json', source],
      { env: { ...process.env, ...environment } },
      (error, stdout, stderr) => {
        const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Ended['result'];
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, said: stderr, result });
      },
    );
  });
}

/** A file below folders whose path is longer than any that the kernel takes. */
function writeBelow(root: string, bytes: number): void {
  const name = 'd'.repeat(200);
  let place = fs.openSync(root, 'r');
  for (let length = 0; length < bytes; length += name.length + 1) {
    fs.mkdirSync(`/proc/self/fd/${place}/${name}`);
    const next = fs.openSync(`/proc/self/fd/${place}/${name}`, 'r');
    fs.closeSync(place);
    place = next;
  }
  fs.writeFileSync(`/proc/self/fd/${place}/file`, 'far below');
  fs.closeSync(place);
}

describe('the demo', () => {
  it('verifies a tree with paths longer than 4,096 bytes, and obeys no name in it', async () => {
    const source = path.join(folder, 'source');
    fs.mkdirSync(source);
    writeBelow(source, 5_000);
    fs.writeFileSync(path.join(source, 'a \u001b[31mred\nline'), 'red');
    const { code, said, result } = await demo(source);
    expect(said).toContain('Verified: every restore is identical to what was backed up.');
    expect([code, result.verified, result.reason]).toEqual([0, true, undefined]);
    expect(said).toContain('a \\x1b[31mred\\x0aline');
    expect(said).not.toContain('\u001b');
  });

  it.runIf(canMountDisks())('says why it failed in its JSON, too', async () => {
    const disk = SmallDisk.mount(path.join(folder, 'small'), 64);
    try {
      const source = path.join(folder, 'source');
      fs.mkdirSync(source);
      fs.writeFileSync(path.join(source, 'file'), randomBytes(100));
      const { code, said, result } = await demo(source, { TMPDIR: disk.folder });
      expect([code, result.verified, result.entries]).toEqual([1, false, 2]);
      expect(result.reason).toContain('Set TMPDIR to a folder with more room');
      expect(said).toContain(result.reason);
    } finally {
      disk.remove();
    }
  });
});
