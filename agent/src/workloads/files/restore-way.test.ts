import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_FOLDERS, someEntry } from './restore.fixture.js';
import { RestoreWriter } from './restore-writer.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe.skipIf(process.platform !== 'linux')('folders on the way to what is restored', () => {
  let dir: string;
  let umask: number;
  const modeOf = (...names: string[]) => fs.statSync(path.join(dir, ...names)).mode & 0o777;

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-way-'));
    // As a service has it.
    umask = process.umask(0o077);
  });
  afterEach(() => {
    process.umask(umask);
    fs.rmSync(dir, { recursive: true, force: true });
  });

  const restore = async (target: string, abandoned = false): Promise<void> => {
    const writer = RestoreWriter.open({
      target: bytes(path.join(dir, target)),
      onConflict: 'OVERWRITE',
      never: NO_FOLDERS,
      onNotice: ({ message }) => expect.fail(message),
    });
    const leading = { type: 'directory', mode: 0o755, mtimeNs: 0n, leadsToRoot: true } as const;
    const srv = writer.root.directory(someEntry({ name: bytes('srv'), ...leading }));
    const site = srv?.directory(someEntry({ name: bytes('site'), ...leading }));
    const root = site?.directory(someEntry({ name: bytes('root'), type: 'directory', mode: 0o750 }));
    root?.leave();
    site?.leave();
    srv?.leave();
    await (abandoned ? writer.abandon() : writer.finish());
  };

  it('are open to others where they were missing, whatever the umask, and have a time of their own', async () => {
    await restore('target');
    expect([modeOf('target/srv'), modeOf('target/srv/site'), modeOf('target/srv/site/root')]).toEqual([
      0o755, 0o755, 0o750,
    ]);
    expect(fs.statSync(path.join(dir, 'target/srv')).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
  });

  it('stay as they are where they were there', async () => {
    fs.mkdirSync(path.join(dir, 'target/srv'), { recursive: true, mode: 0o711 });
    fs.chmodSync(path.join(dir, 'target/srv'), 0o711);
    await restore('target');
    expect([modeOf('target/srv'), modeOf('target/srv/site')]).toEqual([0o711, 0o755]);
  });

  it('are open to others above a target that is made, which is not itself', async () => {
    await restore('one/two/target');
    expect([modeOf('one'), modeOf('one/two'), modeOf('one/two/target')]).toEqual([0o755, 0o755, 0o700]);
  });
});
