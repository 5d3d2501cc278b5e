import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runsAsRoot, runUnprivileged } from '../../platform/unprivileged.fixture.js';
import { checkRoots } from './check-roots.js';

describe('a check of roots', () => {
  let folder: string;
  const at = (name: string): string => path.join(folder, name);

  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-roots-')));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  async function troublesOf(...names: string[]): Promise<Record<string, string>> {
    const datasource = {
      roots: names.map((name) => Buffer.from(at(name))),
      include: [Buffer.from('*.only')],
      exclude: [],
      oneFileSystem: false,
    };
    const troubles = await checkRoots(datasource, { never: [], now: Date.now });
    return Object.fromEntries(
      troubles.map(({ path: root, kind, message }) => [root.toString().slice(folder.length + 1), `${kind} ${message}`]),
    );
  }

  it('has nothing to say about folders and files that are there, also one in the other', async () => {
    fs.mkdirSync(at('a/b'), { recursive: true });
    fs.writeFileSync(at('file'), '');
    expect(await troublesOf('a', 'a/b', 'file')).toEqual({});
  });

  it('says of each that could not be backed up why', async () => {
    fs.mkdirSync(at('a'));
    fs.writeFileSync(at('file'), '');
    fs.symlinkSync('a', at('link'));
    expect(await troublesOf('a', 'a/gone', 'no/such', 'file/below', 'link')).toEqual({
      'a/gone': 'vanished no such file or directory (ENOENT)',
      'no/such': 'vanished no such file or directory (ENOENT)',
      'file/below': expect.stringContaining('not a directory') as string,
      link: 'unreadable the root is a symbolic link; the link is stored and not what it points to',
    });
  });

  it.skipIf(!runsAsRoot)('names what the running user may not read', async () => {
    fs.chmodSync(folder, 0o755);
    fs.mkdirSync(at('closed'), { mode: 0o700 });
    expect(await runUnprivileged(() => troublesOf('closed'))).toEqual({
      closed: 'unreadable permission denied (EACCES)',
    });
  });

  it('does not look at what lies below', async () => {
    fs.mkdirSync(at('a/closed'), { recursive: true });
    fs.symlinkSync('nowhere', at('a/dangling'));
    const seen: string[] = [];
    const { walkFiles } = await import('./walk.js');
    const datasource = { roots: [Buffer.from(at('a'))], include: [], exclude: [], oneFileSystem: false };
    for await (const { events, done } of walkFiles(datasource, { never: [], now: Date.now, rootsOnly: true })) {
      for (const event of events) if (event.kind === 'entry') seen.push(event.entry.name.toString());
      for (const event of events) if (event.kind === 'enterDirectory') seen.push(event.path.toString());
      done();
    }
    expect(seen.at(-1)).toBe(at('a'));
  });
});
