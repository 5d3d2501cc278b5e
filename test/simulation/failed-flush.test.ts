import { dirname } from 'node:path';
import { openLocalStore } from '@holdfast/core/engine';
import { seededRandom } from '@holdfast/core/ids';
import { describe, expect, it } from 'vitest';
import { describeFolder } from '../../agent/src/jobs/testing/backup-bench.js';
import { type DiskCall, SimulatedDisk } from './simulated-disk.js';
import { whatIsWrong } from './verify-world.js';
import { World } from './world.js';

/** Fails the nth flush that fits, once, as a disk does that could not write: what it held of it may be gone for good. */
function failOnce(
  disk: SimulatedDisk,
  fits: (call: DiskCall) => boolean,
  nth = 1,
): { failed: string | undefined; readonly calls: DiskCall[] } {
  const seen = { failed: undefined as string | undefined, calls: [] as DiskCall[] };
  let left = nth;
  disk.fault = (call) => {
    if (seen.failed !== undefined) seen.calls.push(call);
    else if (fits(call) && --left === 0) {
      seen.failed = call.path;
      return 'EIO';
    }
    return undefined;
  };
  return seen;
}

describe('a flush that fails', () => {
  it.each(['flush', 'flushFolder'] as const)(
    '(%s) fails the object, whose next attempt writes it anew',
    async (call) => {
      const disk = new SimulatedDisk();
      const store = await openLocalStore({
        root: disk.root,
        owner: 'test',
        random: seededRandom(call),
        create: false,
        calls: disk,
      });
      await store.put('pack/aa0', Buffer.from('before'), { ifAbsent: true });
      const seen = failOnce(disk, (made) => made.call === call);
      const content = Buffer.from('content');
      await expect(store.put('pack/aa1', content, { ifAbsent: true })).rejects.toMatchObject({ code: 'STORE_IO' });
      expect(await store.stat('pack/aa1')).toBeUndefined();
      expect(await store.put('pack/aa1', content, { ifAbsent: true })).toEqual({ created: true });
      const written = seen.calls.filter((each) => each.call === 'write').map(({ path }) => path);
      expect(written).toHaveLength(1);
      expect(written).not.toContain(seen.failed);
      const after = await openLocalStore({
        root: disk.root,
        owner: 'test',
        random: seededRandom('x'),
        create: false,
        calls: disk.afterPowerCut(() => false),
      });
      expect((await after.get('pack/aa1')).equals(content)).toBe(true);
    },
  );

  it.each([
    ['flush', 1],
    ['flush', 2],
    ['flush', 3],
    ['flushFolder', 1],
    ['flushFolder', 3],
    ['flushFolder', 4],
    ['flushFolder', 5],
    ['flushFolder', 8],
  ] as const)('(%s, number %i of a backup) is not tried again: what it was for is made anew', async (call, nth) => {
    const world = await World.create(`failed ${call} ${nth}`, { cutsPerHundred: 0 });
    await world.run(async () => {
      await world.untilAllStand();
      const seen = failOnce(world.disk, (made) => made.call === call, nth);
      const tree = describeFolder(world.source.folder);
      const { jobId } = await world.backUp('FULL', []);
      if (call === 'flush')
        expect(seen.calls.filter((made) => made.call === call && made.path === seen.failed)).toEqual([]);
      else expect(changesBeforeNextFlush(seen)).toMatch(/(unlink|rmdir).*(link|mkdir)/);
      expect(await whatIsWrong(world, new Map([[jobId, tree]]))).toEqual([]);
    });
  });
});

/** What was done to names in a folder between the flush of it that failed and the next. */
function changesBeforeNextFlush({ failed, calls }: ReturnType<typeof failOnce>): string {
  const again = calls.findIndex(({ call, path }) => call === 'flushFolder' && path === failed);
  if (failed === undefined || again < 0) throw new Error('no flush failed, or none came after it');
  return calls
    .slice(0, again)
    .filter(({ path }) => dirname(path) === failed)
    .map(({ call }) => call)
    .join(' ');
}
