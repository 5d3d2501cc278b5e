import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp } from '../kit/holdfast/jobs.js';
import { OVERVIEW } from '../kit/holdfast/overview-query.js';
import { repository } from '../kit/holdfast/repository.js';
import type { AttackSettings } from './dear-queries/attack-main.js';

const JOBS = 100;
const CONNECTIONS = 64;
const WARM_UP = 30;
/** Fewer than are answered before the one who asks for much has used up the time that is lent. */
const ASKED = 100;
const INTERVAL_MS = 100;
/** On a busy machine, where one in ten takes this long; without turns at the database one takes as long as the attack. */
const MOST_MS = 2_000;

const lists = (count: number, fields: string): string =>
  `{ ${Array.from({ length: count }, (_, at) => `l${at}: jobs(first: 100) { edges { node { ${fields} } } }`).join(' ')} }`;

/** As dear as one operation may be. */
const DEAR = {
  'many lists': lists(25, 'id kind state createdAt'),
  'many fields': lists(
    4,
    `id kind state createdAt startedAt finishedAt attempt backupType backupTypeReason waitingFor agent { id name status }
     vault { id name } subscription { id name } protectedItem { id name } error { code message } progress { phase bytesRead files rate }`,
  ),
};

let fleet: Fleet;
let attacker: ChildProcess | undefined;

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.agent().stop();
  const vaultId = (await fleet.createVault('vault')).id;
  for (let job = 0; job < JOBS; job += 1)
    await backUp(fleet.api, await fleet.protect({ name: `item ${job}`, vaultId, root: `/srv/${job}` }), 'FULL');
});

afterAll(async () => {
  attacker?.kill('SIGKILL');
  await fleet?.stop();
});

async function signInReader(name: string): Promise<string> {
  const password = 'a-long-enough-password';
  const { user } = await fleet.api.mutate('createUser', { name, password }, 'user { id }');
  const { subscriptionId } = fleet;
  await fleet.api.mutate(
    'assignRole',
    { userId: user.id, role: 'BACKUP_READER', subscriptionId },
    'roleAssignment { id }',
  );
  return (await fleet.server.api().mutate('signIn', { name, password }, 'token')).token;
}

function startAttack(settings: AttackSettings): { readonly outcomes: () => Record<string, number> } {
  const program = path.join(repository, 'test/dist/faults/dear-queries/attack-main.js');
  attacker = spawn(process.execPath, [program, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = '{}';
  if (attacker.stdout) createInterface({ input: attacker.stdout }).on('line', (line) => (last = line));
  return { outcomes: () => JSON.parse(last) as Record<string, number> };
}

/** How long each answer took, in milliseconds. Asked at even intervals, as people do: one who waits keeps no other from asking. */
async function ask(count: number): Promise<number[]> {
  const answers: Promise<number>[] = [];
  while (answers.length < count) {
    const started = performance.now();
    answers.push(fleet.api.ask(OVERVIEW).then(() => performance.now() - started));
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
  return Promise.all(answers);
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
}

it.each(Object.entries(DEAR))(
  'answers the first page of others while a reader asks for %s over 64 connections',
  async (name, query) => {
    const token = await signInReader(name.replace(' ', '-'));
    await ask(WARM_UP);
    const quiet = await ask(ASKED);
    const { outcomes } = startAttack({ url: fleet.api.url, token, query, connections: CONNECTIONS });
    await expect.poll(() => outcomes()[200] ?? 0).toBeGreaterThan(5);
    const attacked = await ask(ASKED);
    attacker?.kill('SIGKILL');
    const told = (times: readonly number[]): string =>
      [0.5, 0.9, 0.99].map((share) => percentile(times, share).toFixed(0)).join(', ');
    console.info(
      `${name}: p50, p90, p99 in ms: ${told(quiet)} quiet; ${told(attacked)} attacked; ${JSON.stringify(outcomes())}`,
    );
    expect(percentile(attacked, 0.9)).toBeLessThan(Math.max(MOST_MS, 10 * percentile(quiet, 0.9)));
  },
);
