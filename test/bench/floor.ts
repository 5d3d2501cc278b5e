/**
 * What no backup program can do without: the same bytes read, hashed (SHA-256), encrypted (AES-256-GCM) and written, one
 * after the other on one core, at the speeds that `dd` and `openssl speed` show in the same run.
 */
import fs from 'node:fs';
import path from 'node:path';
import { run } from './contenders/measured-command.js';
import { median } from './results.js';
import { endedChildrenCpuSeconds } from './usage.js';

export const GIB = 2 ** 30;
const STAGES = ['read', 'sha256', 'aes256gcm', 'write'] as const;
/** What openssl works on at a time: about a chunk. */
const CIPHER_BYTES = 64 << 10;

interface StageCost {
  readonly secondsPerGiB: number;
  readonly cpuSecondsPerGiB: number;
}

export interface Floor {
  readonly stages: Readonly<Record<(typeof STAGES)[number], StageCost>>;
  readonly secondsPerGiB: number;
  readonly cpuSecondsPerGiB: number;
}

/** Reads what is in the page cache and writes to the scratch folder, fsync included: as in the race. */
export async function measureFloor(scratch: string, quick: boolean, signal: AbortSignal): Promise<Floor> {
  const mebibytes = quick ? 64 : 512;
  const repeats = quick ? 1 : 3;
  const file = path.join(scratch, 'floor.bin');
  const write = ['if=/dev/zero', `of=${file}`, 'bs=1M', `count=${mebibytes}`, 'conv=fsync'];
  const read = [`if=${file}`, 'of=/dev/null', 'bs=1M'];
  try {
    const stages = {
      write: await repeated(repeats, () => dd(write, mebibytes, signal)),
      read: await repeated(repeats, () => dd(read, mebibytes, signal)),
      sha256: await repeated(repeats, () => opensslSpeed('sha256', signal)),
      aes256gcm: await repeated(repeats, () => opensslSpeed('aes-256-gcm', signal)),
    };
    const total = (read: (cost: StageCost) => number) => STAGES.reduce((sum, name) => sum + read(stages[name]), 0);
    return {
      stages,
      secondsPerGiB: total((cost) => cost.secondsPerGiB),
      cpuSecondsPerGiB: total((cost) => cost.cpuSecondsPerGiB),
    };
  } finally {
    fs.rmSync(file, { force: true });
  }
}

async function repeated(times: number, measure: () => Promise<StageCost>): Promise<StageCost> {
  const costs: StageCost[] = [];
  for (let index = 0; index < times; index += 1) costs.push(await measure());
  return {
    secondsPerGiB: median(costs.map(({ secondsPerGiB }) => secondsPerGiB)),
    cpuSecondsPerGiB: median(costs.map(({ cpuSecondsPerGiB }) => cpuSecondsPerGiB)),
  };
}

async function dd(args: readonly string[], mebibytes: number, signal: AbortSignal): Promise<StageCost> {
  const before = endedChildrenCpuSeconds();
  const answer = await run({ program: 'dd', args, env: { LC_ALL: 'C' }, signal });
  const seconds = Number(/ copied, ([\d.e-]+) s, /.exec(answer)?.[1]);
  if (!(seconds > 0)) throw new Error(`dd answered ${answer}`);
  const gibibytes = mebibytes / 1024;
  return { secondsPerGiB: seconds / gibibytes, cpuSecondsPerGiB: (endedChildrenCpuSeconds() - before) / gibibytes };
}

/** openssl divides by its own CPU time, so that its answer is the same for both. */
async function opensslSpeed(algorithm: string, signal: AbortSignal): Promise<StageCost> {
  const args = ['speed', '-mr', '-seconds', '1', '-bytes', String(CIPHER_BYTES), '-evp', algorithm];
  const answer = await run({ program: 'openssl', args, signal });
  const bytesPerSecond = Number(/^\+F:\d+:[^:]*:([\d.]+)$/m.exec(answer)?.[1]);
  if (!(bytesPerSecond > 0)) throw new Error(`openssl speed answered ${answer}`);
  return { secondsPerGiB: GIB / bytesPerSecond, cpuSecondsPerGiB: GIB / bytesPerSecond };
}
