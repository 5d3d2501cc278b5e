import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom as random } from '@holdfast/core/ids';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PosixError } from '../platform/posix-error.js';
import type { OutgoingPack } from './data-transport.js';
import { BackupBench, describeFolder } from './testing/backup-bench.js';

const MIB = 1024 * 1024;
const EIO = 5;
const EMFILE = 24;
const NAMES = ['first', 'second', 'third'];

let bench: BackupBench;
let target: string;

beforeEach(async () => {
  bench = await BackupBench.create();
  target = join(bench.folder, 'target');
  mkdirSync(bench.source);
  for (const name of NAMES) writeFileSync(join(bench.source, name), random.bytes(2 * MIB));
});
afterEach(() => bench.remove());

function flipBit(bytes: Buffer, at: number): void {
  bytes[at] = (bytes[at] as number) ^ 0x04;
}

const notices = ({ notices: { kept } }: { notices: { kept: readonly { path: Buffer; kind: string }[] } }) =>
  kept.map(({ path, kind }) => [path.toString(), kind]);

describe('a backup on a host whose disk fails', () => {
  it('leaves out the one file that cannot be read, says so, and takes the rest', async () => {
    bench.failRead = (name) => (name === 'second' ? new PosixError(EIO, 'read') : undefined);
    const { outcome, run } = await bench.backup();
    expect(outcome.kind).toBe('backup');
    expect(notices(run)).toEqual([[join(bench.source, 'second'), 'UNREADABLE']]);
    expect(run.notices.kept[0]?.message).toMatch(/i\/o error \(EIO\)/);
    await bench.restore(target);
    for (const name of ['first', 'third'])
      expect(readFileSync(join(target, name)).equals(readFileSync(join(bench.source, name)))).toBe(true);
  });

  it('fails rather than leave files out when the host has no descriptors left', async () => {
    bench.failRead = () => new PosixError(EMFILE, 'openat');
    await expect(bench.backup()).rejects.toMatchObject({ kind: 'Unavailable', code: 'HOST_EXHAUSTED' });
    bench.failRead = () => undefined;
    await bench.backup();
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  });

  it('names the state folder that cannot be used, and goes on once it can', async () => {
    writeFileSync(bench.cacheFolder, 'a file where a folder should be');
    await expect(bench.backup()).rejects.toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining(`state folder ${bench.cacheFolder} cannot be used`) as string,
    });
  });
});

describe('a backup on a host whose memory fails', () => {
  /** Whatever was sent and refused is not in the vault, and what is restores. */
  async function isSound(): Promise<void> {
    await bench.restore(target);
    expect(describeFolder(target)).toEqual(describeFolder(bench.source));
  }

  function flipOnceBeforeLastPacks(): void {
    bench.beforeLastPacks = () => {
      bench.beforeLastPacks = () => undefined;
      for (const bytes of bench.buffers) flipBit(bytes, 100);
    };
  }

  it('never sends the pack in which a bit flipped after it was sealed, when all of it is looked at', async () => {
    bench.paranoid = true;
    const sent: OutgoingPack[] = [];
    bench.gateway.faults.beforeUpload = (pack) => void sent.push(pack);
    flipOnceBeforeLastPacks();
    const { run } = await bench.backup();
    // Everything that was sent was taken: the spoiled pack stayed here.
    expect(sent).toHaveLength(bench.gateway.packs.length);
    expect(notices(run)).toEqual([[bench.source, 'DAMAGED']]);
    expect(run.notices.kept[0]?.message).toMatch(/damaged on this host .* made anew.*memory tested/);
    expect(run.counters.warnings).toBe(1);
    await isSound();
  });

  it('makes a pack anew that the gateway found to be another than was sealed', async () => {
    let flips = 1;
    bench.gateway.faults.beforeUpload = ({ frames, kind }) => {
      if (kind === 'DATA' && flips-- > 0) flipBit(frames[0] as Buffer, 100);
    };
    const { run } = await bench.backup();
    expect(flips).toBeLessThan(0);
    expect(notices(run)).toEqual([[bench.source, 'DAMAGED']]);
    await isSound();
  });

  it('fails with that reason, and commits nothing, when no pack comes through whole', async () => {
    bench.gateway.faults.beforeUpload = ({ frames }) => flipBit(frames[0] as Buffer, 100);
    await expect(bench.backup()).rejects.toMatchObject({
      kind: 'Integrity',
      code: 'PACKS_SPOILED',
      message: expect.stringMatching(/could not be made anew/) as string,
    });
    expect(bench.gateway.points).toEqual([]);
  });
});
