import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { seededRandom } from '@holdfast/core/ids';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LargeWrites } from './large-writes.js';

const MIB = 1024 * 1024;
const random = seededRandom('large writes');

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-large-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

interface Run {
  readonly offset: number;
  readonly data: Buffer;
}

async function write(file: string, size: number, runs: readonly Run[], pieceBytes: number): Promise<void> {
  const fd = fs.openSync(file, 'wx');
  const writes = new LargeWrites(fd);
  try {
    fs.ftruncateSync(fd, size);
    for (const { offset, data } of runs) {
      for (let at = 0; at < data.length; at += pieceBytes) {
        const piece = Buffer.from(data.subarray(at, at + pieceBytes));
        await writes.write(piece, offset + at);
        // The bytes were taken over.
        piece.fill(0xee);
      }
    }
    await writes.finish();
  } finally {
    await writes.close();
    fs.closeSync(fd);
  }
}

function expected(size: number, runs: readonly Run[]): Buffer {
  const whole = Buffer.alloc(size);
  for (const { offset, data } of runs) data.copy(whole, offset);
  return whole;
}

function takesDirectWrites(folder: string): boolean {
  try {
    fs.closeSync(
      fs.openSync(path.join(folder, 'probe'), fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_DIRECT),
    );
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(process.platform !== 'linux')('writing a large file', () => {
  it('leaves what it was given, whatever the runs and pieces, and holes in between', async () => {
    const edge = fc.constantFrom(0, 1, 4095, 4096, 4097, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1);
    const run = fc.record({ hole: edge, length: fc.oneof(edge, fc.nat(5 * MIB)) });
    let files = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(run, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(1000, 70_000, MIB, 8 * MIB),
        async (plan, pieceBytes) => {
          const runs: Run[] = [];
          let end = 0;
          for (const { hole, length } of plan) {
            runs.push({ offset: end + hole, data: random.bytes(length) });
            end += hole + length;
          }
          const file = path.join(dir, String(files++));
          await write(file, end, runs, pieceBytes);
          expect(fs.readFileSync(file).equals(expected(end, runs))).toBe(true);
          fs.rmSync(file);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes runs in any order', async () => {
    const runs = [5 * MIB, 0, 9 * MIB + 17, 2 * MIB + 5].map((offset) => ({ offset, data: random.bytes(MIB + 3) }));
    await write(path.join(dir, 'file'), 12 * MIB, runs, MIB);
    expect(fs.readFileSync(path.join(dir, 'file')).equals(expected(12 * MIB, runs))).toBe(true);
  });

  it('leaves the page cache alone', async () => {
    const file = path.join(dir, 'file');
    await write(file, 64 * MIB, [{ offset: 0, data: random.bytes(64 * MIB) }], MIB);
    const cached = Number(
      execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', file], { encoding: 'utf8' }),
    );
    // Where the file system takes no direct writes, all of it is there.
    expect(cached).toBeLessThan(takesDirectWrites(dir) ? MIB : 65 * MIB);
  });

  it('writes as usual where nothing can be written directly', async () => {
    // Pipes cannot be opened so, nor can what the kernel makes up.
    const fd = fs.openSync('/dev/full', 'w');
    const writes = new LargeWrites(fd);
    await writes.write(random.bytes(3 * MIB), 0);
    await expect(writes.finish()).rejects.toMatchObject({ code: 'ENOSPC' });
    await writes.close();
    fs.closeSync(fd);
  });

  it('says what failed, and closes what it opened', async () => {
    const before = fs.readdirSync('/proc/self/fd').length;
    const fd = fs.openSync(path.join(dir, 'file'), 'wx');
    const reading = fs.openSync(path.join(dir, 'file'), 'r');
    const writes = new LargeWrites(reading);
    // Its own descriptor may not be written to, as the end of the file is.
    await writes.write(random.bytes(MIB + 1), 0);
    await expect(writes.finish()).rejects.toMatchObject({ code: 'EBADF' });
    await expect(writes.write(random.bytes(3 * MIB), 5 * MIB)).rejects.toMatchObject({ code: 'EBADF' });
    await writes.close();
    for (const open of [fd, reading]) fs.closeSync(open);
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });
});
