import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { repository } from '../kit/holdfast/repository.js';
import { needPackage } from '../kit/need-package.js';

const hasRestic = needPackage({
  what: 'the benchmark against restic',
  packages: ['restic'],
  isThere: () => (process.env.PATH ?? '').split(':').some((folder) => fs.existsSync(path.join(folder, 'restic'))),
});

let folder: string;
let scratch: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-e2e-'));
  scratch = path.join(folder, 'scratch');
  fs.mkdirSync(scratch);
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

function bench(...args: string[]): { child: ChildProcess; exited: Promise<number | null>; lines: string[] } {
  const child = spawn(process.execPath, [path.join(repository, 'test/dist/bench/main.js'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TMPDIR: scratch },
  });
  const lines: string[] = [];
  if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
  return { child, lines, exited: new Promise((resolve) => child.once('exit', resolve)) };
}

it.skipIf(!hasRestic)('runs Holdfast and restic on the same data and says how they compare', async () => {
  const json = path.join(folder, 'result.json');
  const { exited, lines } = bench('--quick', '--only', 'restore-small-files', '--peers', 'restic', '--json', json);
  expect(await exited, lines.join('\n')).toBe(0);
  const { cases } = JSON.parse(fs.readFileSync(json, 'utf8'));
  expect(cases).toHaveLength(1);
  const [{ name, ours, peers, ratio }] = cases;
  expect(name).toBe('restore-small-files');
  expect(Object.keys(ours.rss)).toEqual(expect.arrayContaining(['agent', 'gateway', 'control']));
  expect(ours.cpuSeconds).toBeGreaterThan(0);
  expect(peers.restic.rssBytes).toBeGreaterThan(1 << 20);
  expect(ratio.restic.speed).toBeCloseTo(peers.restic.seconds / ours.seconds, 2);
  expect(fs.readdirSync(scratch)).toEqual([]);
});

it('leaves nothing behind when it is interrupted', async () => {
  const { child, exited, lines } = bench('--quick', '--only', 'big-random', '--peers', 'none');
  while (!lines.some((line) => line.startsWith('measuring')) && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(fs.readdirSync(scratch), lines.join('\n')).not.toEqual([]);
  child.kill('SIGINT');
  expect(await exited, lines.join('\n')).toBe(130);
  expect(fs.readdirSync(scratch)).toEqual([]);
});

it('refuses a peer that it does not know', async () => {
  const { exited } = bench('--peers', 'tar');
  expect(await exited).toBe(2);
});
