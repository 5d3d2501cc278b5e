import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { filesBelow } from '../kit/holdfast/store-files.js';

const RUN_BYTES = 32;
const DISTINCT_VALUES = 16;
let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start();
});

afterAll(async () => {
  await fleet?.stop();
});

/** Every aligned run of a file's content, as a set to look runs of the store up in. */
function runsOf(content: Buffer): string[] {
  const runs: string[] = [];
  for (let start = 0; start + RUN_BYTES <= content.length; start += RUN_BYTES) {
    const run = content.subarray(start, start + RUN_BYTES);
    if (new Set(run).size >= DISTINCT_VALUES) runs.push(run.toString('latin1'));
  }
  return runs;
}

/** Looks at every offset of the store's bytes, so that an unaligned copy of a whole run is found too. */
function findsAnyRun(stored: Buffer, runs: ReadonlySet<string>): boolean {
  const firstBytes = new Set(
    [...runs].map((run) => (run.charCodeAt(0) << 16) | (run.charCodeAt(1) << 8) | run.charCodeAt(2)),
  );
  for (let start = 0; start + RUN_BYTES <= stored.length; start += 1) {
    const key = ((stored[start] ?? 0) << 16) | ((stored[start + 1] ?? 0) << 8) | (stored[start + 2] ?? 0);
    if (firstBytes.has(key) && runs.has(stored.toString('latin1', start, start + RUN_BYTES))) return true;
  }
  return false;
}

describe("a vault's store", () => {
  it('holds no file name of eight bytes or more and no run of any content', async () => {
    const source = fleet.newFolder('secret-source');
    const names: string[] = ['secret-source'];
    const runs = new Set<string>();
    const write = (name: string, content: Buffer): void => {
      fs.writeFileSync(path.join(source, name), content);
      if (name.length >= 8) names.push(name);
      for (const run of runsOf(content)) runs.add(run);
    };
    for (let index = 0; index < 40; index += 1) write(`confidential-name-${index}.txt`, randomBytes(500 + index));
    write('large-random-file', randomBytes(3 << 20));
    write(
      'readable-text.txt',
      Buffer.from('The quick brown fox jumps over the lazy dog; pack my box with five dozen liquor jugs. '.repeat(500)),
    );
    fs.symlinkSync('/a/confidential/link/target', path.join(source, 'symbolic-link-name'));
    names.push('symbolic-link-name', '/a/confidential/link/target');

    const vault = await fleet.createVault('secrecy-vault');
    const item = await fleet.protect({ name: 'secrecy-item', vaultId: vault.id, root: source });
    expect(await fleet.backUp(item)).toMatchObject({ state: 'COMPLETED' });

    const files = filesBelow(fleet.server.storeRoot);
    expect(files.reduce((sum, file) => sum + fs.statSync(file).size, 0)).toBeGreaterThan(3 << 20);
    for (const file of files) {
      const stored = fs.readFileSync(file);
      for (const name of names) {
        expect(stored.includes(name), `${name} in ${file}`).toBe(false);
        expect(file.slice(fleet.server.storeRoot.length).includes(name)).toBe(false);
      }
      expect(findsAnyRun(stored, runs), file).toBe(false);
    }
  });

  it('would be found out by this test if it stored a file as it is', () => {
    const content = randomBytes(10_000);
    expect(findsAnyRun(Buffer.concat([randomBytes(77), content]), new Set(runsOf(content)))).toBe(true);
  });
});
