import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_FOLDERS, someEntry } from './restore.fixture.js';
import { type ConflictMode, RestoreConflictError } from './restore-conflict.js';
import type { RestoreDirectory } from './restore-directory.js';
import { RestoreWriter } from './restore-writer.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');

/** What a hostile point may hold: files, links and directories under any bytes at all. */
interface Hostile {
  readonly name: string;
  readonly type: 'file' | 'symlink' | 'fifo' | 'directory';
  readonly group: string | undefined;
  readonly children: Hostile[];
}

describe.skipIf(process.platform !== 'linux')('no restore writes outside its target', () => {
  let dir: string;
  let outside: string;
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-safety-'));
    outside = path.join(dir, 'outside');
    fs.mkdirSync(path.join(outside, 'd'), { recursive: true });
    fs.writeFileSync(path.join(outside, 'a'), 'precious');
    fs.writeFileSync(path.join(outside, 'd/b'), 'precious');
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

  const snapshot = (): string[] =>
    fs
      .readdirSync(outside, { recursive: true, encoding: 'latin1' })
      .concat('.')
      .sort()
      .map((name) => {
        const { mode, uid, gid, size, mtimeNs, ctimeNs, nlink } = fs.lstatSync(path.join(outside, name), {
          bigint: true,
        });
        return [name, mode, uid, gid, size, mtimeNs, ctimeNs, nlink].join(' ');
      });

  const restore = async (directory: RestoreDirectory, entries: readonly Hostile[]): Promise<void> => {
    for (const { name, type, group, children } of entries) {
      const link = group === undefined ? {} : { hardLinkGroup: bytes(group) };
      const entry = someEntry({
        name: bytes(name),
        type,
        size: type === 'file' ? 5 : 0,
        linkTarget: bytes('../outside'),
        ...link,
      });
      if (type === 'directory') {
        const below = directory.directory(entry);
        if (below) await restore(below, children);
        below?.leave();
      } else if (type === 'file') await directory.file(entry, () => bytes('dirty'));
      else await directory.special(entry);
    }
  };

  const name = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'd', 'link', 'up', 'file-link') },
    fc.constantFrom(
      '..',
      '.',
      '',
      '/',
      '/etc',
      '../outside',
      '../outside/a',
      'd/..',
      'link/a',
      'a\0',
      '\0',
      '../',
      'a/',
    ),
    fc.string({ unit: fc.constantFrom('.', '/', 'a', '\0', '\xff'), maxLength: 6 }),
  );
  const { tree } = fc.letrec<{ tree: Hostile[] }>((tie) => ({
    tree: fc.array(
      fc.record({
        name,
        type: fc.constantFrom('file', 'symlink', 'fifo', 'directory', 'directory'),
        group: fc.option(fc.constantFrom('/g', '/h'), { nil: undefined }),
        children: fc.oneof({ maxDepth: 3 }, fc.constant([]), tie('tree')),
      }),
      { maxLength: 6 },
    ) as fc.Arbitrary<Hostile[]>,
  }));
  const mode = fc.constantFrom<ConflictMode>('FAIL', 'SKIP', 'OVERWRITE', 'KEEP_BOTH');

  it('whatever the names in the point are and whatever links lie in the target', async () => {
    let run = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(tree, tree, mode, async (first, second, onConflict) => {
        const base = path.join(dir, `run${run++}`);
        const target = path.join(base, 'target');
        fs.mkdirSync(target, { recursive: true });
        fs.symlinkSync('../../outside', path.join(target, 'link'));
        fs.symlinkSync('..', path.join(target, 'up'));
        fs.symlinkSync(path.join(outside, 'a'), path.join(target, 'file-link'));
        const before = snapshot();
        for (const entries of [first, second]) {
          const writer = RestoreWriter.open({
            never: NO_FOLDERS,
            target: Buffer.from(target),
            onConflict,
            onNotice: ({ kind }) => {
              if (kind === 'unwritable') refused++;
            },
          });
          try {
            await restore(writer.root, entries);
          } catch (error) {
            expect(error).toBeInstanceOf(RestoreConflictError);
          } finally {
            // Not finished: that would wait for the disk each time.
            await writer.abandon();
          }
        }
        expect(snapshot()).toEqual(before);
        expect(fs.readdirSync(base)).toEqual(['target']);
      }),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('also while somebody keeps exchanging its directories for links', async () => {
    const target = path.join(dir, 'target');
    fs.mkdirSync(path.join(target, 'd/e'), { recursive: true });
    const racer = spawn(process.execPath, ['-e', RACER, target, outside], { stdio: ['ignore', 'pipe', 'inherit'] });
    const before = snapshot();
    let restored = 0;
    let outsideSeen = 0;
    try {
      await once(racer.stdout, 'data');
      const file = (text: string): Hostile => ({ name: text, type: 'file', group: undefined, children: [] });
      const linked = (text: string): Hostile => ({ ...file(text), group: '/g' });
      const directory = (text: string, children: Hostile[]): Hostile => ({
        ...file(text),
        type: 'directory',
        children,
      });
      const entries = [
        directory('d', [file('a'), linked('x'), directory('e', [file('b'), linked('y')]), directory('n', [file('a')])]),
      ];
      const until = Date.now() + 1500;
      for (let i = 0; Date.now() < until; i++) {
        const writer = RestoreWriter.open({
          never: NO_FOLDERS,
          target: Buffer.from(target),
          onConflict: i % 2 ? 'OVERWRITE' : 'SKIP',
          onNotice: () => undefined,
        });
        try {
          if (fs.lstatSync(path.join(target, 'd'), { throwIfNoEntry: false })?.isSymbolicLink()) outsideSeen++;
          await restore(writer.root, entries);
        } finally {
          restored += writer.counts.restored;
          await writer.abandon();
        }
      }
    } finally {
      racer.kill();
      await once(racer, 'exit');
    }
    expect(snapshot()).toEqual(before);
    // Both sides really were at it.
    expect(restored).toBeGreaterThan(20);
    expect(outsideSeen).toBeGreaterThan(0);
  });
});

/** Exchanges `d` and `d/e` of the target for links to the outside and back, as fast as it can. */
const RACER = `
const fs = require('node:fs');
const path = require('node:path');
const [target, outside] = process.argv.slice(1);
const attempt = (action) => { try { action(); } catch {} };
console.log('racing');
let count = 0;
const spin = () => { for (let until = performance.now() + Math.random() * 0.1; performance.now() < until; ); };
for (;;) {
  for (const name of ['d', 'd/e']) {
    const real = path.join(target, name);
    const aside = path.join(target, 'aside-' + count++);
    attempt(() => fs.renameSync(real, aside));
    attempt(() => fs.symlinkSync(outside, real));
    spin();
    attempt(() => { if (fs.lstatSync(real).isSymbolicLink()) fs.unlinkSync(real); });
    try { fs.renameSync(aside, real); } catch { attempt(() => fs.rmSync(aside, { recursive: true, force: true })); }
    spin();
  }
}
`;
