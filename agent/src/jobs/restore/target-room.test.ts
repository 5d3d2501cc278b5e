import { expect, it } from 'vitest';
import { TargetRoom } from './target-room.js';

const MIB = 1024 * 1024;
const disk = { bsize: 4_096, blocks: 100 * 256 * 1024, bavail: 50 * 256 * 1024, files: 1_000_000, ffree: 500_000 };
const full: unknown = expect.objectContaining({ kind: 'IllegalState', code: 'TARGET_FULL' });

function write(room: TargetRoom, mebibytes: number): void {
  for (let i = 0; i < mebibytes; i += 1) room.wrote(MIB);
}
function make(room: TargetRoom, entries: number): void {
  for (let i = 0; i < entries; i += 1) room.made();
}

it('lets a restore go on while there is room', () => {
  const room = new TargetRoom(() => disk);
  write(room, 5_000);
  make(room, 50_000);
});

it('ends a restore before the disk is full, in space or in files', () => {
  let bavail = disk.bavail;
  const shrinking = new TargetRoom(() => ({ ...disk, bavail }));
  write(shrinking, 300);
  bavail = 1_000;
  expect(() => write(shrinking, 64)).toThrowError(full);
  const crowded = new TargetRoom(() => ({ ...disk, ffree: 5_000 }));
  expect(() => make(crowded, 11_000)).toThrowError(full);
});

it('lets a small restore go on where little is left', () => {
  const room = new TargetRoom(() => ({ ...disk, bavail: 1_000, ffree: 100 }));
  write(room, 200);
  make(room, 5_000);
});

it('keeps less of a small disk, and minds no number of files where there is none', () => {
  const small = { ...disk, blocks: 10 * 256, bavail: 60, files: 0, ffree: 0 };
  const room = new TargetRoom(() => small);
  write(room, 31);
  make(room, 20_000);
  small.bavail = 10;
  expect(() => write(room, 1)).toThrowError(full);
});

it('looks the more often the less is left', () => {
  let left = 64 * 256;
  let looks = 0;
  const room = new TargetRoom(() => {
    looks += 1;
    return { ...disk, blocks: 64 * 256, bavail: left };
  });
  expect(() => {
    for (; left > 0; left -= 1) room.wrote(4_096);
  }).toThrowError(full);
  expect(left).toBeGreaterThan(64 * 256 * 0.009);
  expect(looks).toBeLessThan(60);
});
