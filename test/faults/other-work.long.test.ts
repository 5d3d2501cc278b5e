import fs from 'node:fs';
import path from 'node:path';
import { systemRandom } from '@holdfast/core/ids';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentProcess } from '../kit/holdfast/agent-process.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { HostileAgent } from '../kit/holdfast/hostile-agent.js';
import { backUp, readJob, waitForJob } from '../kit/holdfast/jobs.js';
import { OVERVIEW } from '../kit/holdfast/overview-query.js';

const AGENTS = 4;
const MIB = 1024 * 1024;
const FILE_MIB = 128;
const FILES = 8;
const PAUSE_MS = 60;
const WARM_UP = 100;
const ASKED_QUIET = 150;

let fleet: Fleet;
let listener: HostileAgent | undefined;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: AGENTS });
  const { folder, server, api, subscriptionId } = fleet;
  const enrolled = await AgentProcess.enroll(server, api, { folder, name: 'listener', subscriptionId });
  listener = new HostileAgent(server, enrolled);
  await listener.connect();
});

afterAll(async () => {
  listener?.close();
  await fleet?.stop();
});

interface Times {
  readonly overview: number[];
  readonly heartbeats: number[];
}

/** Asks while `goOn` says so. */
async function ask(goOn: (asked: number) => boolean): Promise<Times> {
  const times: Times = { overview: [], heartbeats: [] };
  while (goOn(times.overview.length)) {
    const started = performance.now();
    await fleet.api.ask(OVERVIEW);
    times.overview.push(performance.now() - started);
    times.heartbeats.push((await listener?.beat()) ?? Number.NaN);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return times;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

function describeTimes({ overview, heartbeats }: Times): string {
  const of = (values: readonly number[]) => [0.5, 0.9, 0.99].map((share) => percentile(values, share).toFixed(1));
  return `overview p50, p90, p99 ${of(overview).join(', ')} ms; heartbeats ${of(heartbeats).join(', ')} ms; ${overview.length} of each`;
}

it('answers people and heartbeats while four agents of this machine send as fast as they can', async () => {
  const vault = await fleet.createVault('vault');
  const items = [];
  for (const [index, agent] of fleet.agents.entries()) {
    const root = path.join(fleet.folder, `source-${index}`);
    fs.mkdirSync(root);
    for (let file = 0; file < FILES; file++)
      fs.writeFileSync(path.join(root, `${file}`), systemRandom.bytes(FILE_MIB * MIB));
    items.push(await fleet.protect({ name: `item-${index}`, vaultId: vault.id, root, agent }));
  }
  await ask((asked) => asked < WARM_UP);
  const quiet = await ask((asked) => asked < ASKED_QUIET);

  const jobs = await Promise.all(items.map((item) => backUp(fleet.api, item, 'FULL')));
  let running = true;
  const done = Promise.all(jobs.map((job) => waitForJob(fleet.api, job, { pauseMs: 1_000 }))).finally(() => {
    running = false;
  });
  const busy = await ask(() => running);
  await done;

  console.info(`quiet: ${describeTimes(quiet)}\nbusy: ${describeTimes(busy)}`);
  for (const job of jobs) {
    const { state, progress } = await readJob(fleet.api, job);
    expect({ state, bytesRead: Number(progress.bytesRead) }).toEqual({
      state: 'COMPLETED',
      bytesRead: FILES * FILE_MIB * MIB,
    });
  }
  expect(percentile(busy.overview, 0.99)).toBeLessThan(Math.max(50, 3 * percentile(quiet.overview, 0.99)));
  expect(percentile(busy.heartbeats, 0.99)).toBeLessThan(250);
});
