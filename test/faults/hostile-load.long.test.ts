import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { sortedIdSet } from '@holdfast/core/engine';
import { decodeGlobalId, encodeGlobalId, systemRandom, uuidFromBytes } from '@holdfast/core/ids';
import { BackupType, type JobRef } from '@holdfast/proto/v1';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentProcess } from '../kit/holdfast/agent-process.js';
import type { Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { answerOf, HostileAgent, NO_COUNTERS } from '../kit/holdfast/hostile-agent.js';
import { PackMaker, uploadPack } from '../kit/holdfast/hostile-packs.js';
import { restoreTo } from '../kit/holdfast/jobs.js';
import { OVERVIEW } from '../kit/holdfast/overview-query.js';
import { repository } from '../kit/holdfast/repository.js';
import type { AttackSettings } from './hostile-load/attack-main.js';

/** Quiet and attacked ones in turns, as what else the machine does changes with time. */
const TURNS = 8;
const QUESTIONS = 60;
const PAGES = 10;
const PAUSE_MS = 25;
const CLAIMS_BYTES = 1_000 * 32;
/** Below this a question waits for nothing but its turn on the processor. */
const FLOOR_MS = 10;
/** The same for the slowest one in a hundred, which on a busy machine waits for other programs. */
const SLOWEST_FLOOR_MS = 40;
const MOST_RSS = 512 << 20;
const CHUNKS = 40;
const CHUNK_BYTES = 900_000;
/** Packs of nodes with as many edges as there may be, all of which are there but one: each commit looks at 1.2 million. */
const STUCK_PACKS = 40;
const STUCK_NODES = 30;
const EDGES = 1_024;

let fleet: Fleet;
let vaultId: string;
const agents: HostileAgent[] = [];
let attacker: ChildProcess | undefined;
/** Takes the core that the attacker has in its turns: what a program takes on the gateway's own machine is none of the gateway's doing. */
let burner: ChildProcess | undefined;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 1 });
  vaultId = (await fleet.createVault('vault')).id;
});

afterAll(async () => {
  attacker?.kill('SIGKILL');
  burner?.kill('SIGKILL');
  for (const agent of agents) agent.close();
  await fleet?.stop();
});

async function agentNamed(name: string): Promise<[AgentProcess, HostileAgent]> {
  const { folder, server, api, subscriptionId } = fleet;
  const enrolled = await AgentProcess.enroll(server, api, { folder, name, subscriptionId });
  const agent = new HostileAgent(server, enrolled);
  agents.push(agent);
  await agent.connect();
  return [enrolled, agent];
}

const openSession = ({ data }: HostileAgent, job: JobRef): Promise<Data> =>
  answerOf<Data>((done) => data.openSession({ job }, done));

async function startBackup(agent: HostileAgent, enrolled: AgentProcess, name: string) {
  const itemId = await fleet.protect({ name, vaultId, root: '/srv', agent: enrolled });
  await fleet.api.mutate('backupNow', { protectedItemId: itemId, type: 'FULL' }, 'job { id }');
  const start = await agent.hear('startBackup');
  agent.say({ $case: 'jobAccepted', value: { job: start.job } });
  const { sessionId } = await openSession(agent, start.job as JobRef);
  return { start, sessionId: sessionId as Buffer };
}

/** A backup under way, and a restore of some dozen MiB that the agent backed up before. */
async function prepareAttack(kind: AttackSettings['kind']): Promise<AttackSettings> {
  const [enrolled, mallory] = await agentNamed(`mallory-${kind}`);
  const first = await startBackup(mallory, enrolled, `what is read by ${enrolled.name}`);
  const maker = await PackMaker.create(first.start);
  const own = decodeGlobalId(enrolled.id).uuid;
  const chunks = Array.from({ length: CHUNKS }, () => maker.data(systemRandom.bytes(CHUNK_BYTES)));
  const root = maker.node(Buffer.from('a directory'), sortedIdSet(chunks.map(({ id }) => id)));
  for (const chunk of [...chunks, root]) await uploadPack(mallory.data, first.sessionId, maker.pack(chunk, own));
  const commit = { type: BackupType.BACKUP_TYPE_FULL, basePointId: Buffer.alloc(0), counters: NO_COUNTERS };
  const { pointId } = await answerOf<Data>((done) =>
    mallory.data.commit({ sessionId: first.sessionId, rootNode: root.id, ...commit }, done),
  );
  const result = { pointId, type: BackupType.BACKUP_TYPE_FULL, basePointId: Buffer.alloc(0), typeReason: '' };
  const finished = { job: first.start.job, counters: NO_COUNTERS, notices: [], noticesTotal: 0n, source: undefined };
  mallory.say({ $case: 'jobFinished', value: { ...finished, outcome: { $case: 'backup', value: result } } });

  const recoveryPointId = encodeGlobalId('RecoveryPoint', uuidFromBytes(pointId));
  await restoreTo(fleet.api, { recoveryPointId, agentId: enrolled.id, path: '/nowhere' });
  const { job } = await mallory.hear('startRestore');
  mallory.say({ $case: 'jobAccepted', value: { job } });
  const restore = await openSession(mallory, job as JobRef);
  const stuck = await prepareStuck(mallory, enrolled);
  const backup = await startBackup(mallory, enrolled, `what is attacked by ${enrolled.name}`);
  return {
    kind,
    ...stuck,
    address: fleet.server.addresses.dataGrpc,
    controlAddress: fleet.server.addresses.grpc,
    identityFile: path.join(enrolled.stateFolder, 'identity.json'),
    backup: backup.sessionId.toString('hex'),
    restore: restore.sessionId.toString('hex'),
    readable: Buffer.concat([root.id, ...chunks.map(({ id }) => id)]).toString('hex'),
  };
}

/** A backup that can be committed as often as one likes, and never is. */
async function prepareStuck(mallory: HostileAgent, enrolled: AgentProcess): Promise<{ stuck: string; root: string }> {
  const { start, sessionId } = await startBackup(mallory, enrolled, `what is never there by ${enrolled.name}`);
  const maker = await PackMaker.create(start);
  const own = decodeGlobalId(enrolled.id).uuid;
  const there = Array.from({ length: EDGES - 1 }, (_, at) => maker.data(Buffer.from(`chunk ${at}`)));
  await uploadPack(mallory.data, sessionId, maker.packOf(there, own));
  const edges = sortedIdSet([systemRandom.bytes(32), ...there.map(({ id }) => id)]);
  let root = edges;
  for (let pack = 0; pack < STUCK_PACKS; pack += 1) {
    const nodes = Array.from({ length: STUCK_NODES }, (_, at) => maker.node(Buffer.from(`node ${pack}.${at}`), edges));
    await uploadPack(mallory.data, sessionId, maker.packOf(nodes, own));
    root = nodes[0]?.id ?? root;
  }
  return { stuck: sessionId.toString('hex'), root: root.toString('hex') };
}

/** How long each of some existence questions took, in milliseconds. */
async function ask({ data }: HostileAgent, sessionId: Buffer): Promise<number[]> {
  const times: number[] = [];
  for (let question = 0; question < QUESTIONS; question += 1) {
    const claims = systemRandom.bytes(CLAIMS_BYTES);
    const started = performance.now();
    await answerOf((done) => data.hasChunks({ sessionId, claims }, done));
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return times;
}

/** How long each of some pages took, in milliseconds. */
async function askPages(): Promise<number[]> {
  const times: number[] = [];
  for (let page = 0; page < PAGES; page += 1) {
    const started = performance.now();
    await fleet.api.ask(OVERVIEW);
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return times;
}

const percentile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0;

/** Resident bytes of a process; 0 when it has ended. */
function residentBytes(pid: number): number {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** A program that has one core, and leaves the others to the server. */
function spawnOnOneCore(args: readonly string[], stdio: StdioOptions): ChildProcess {
  return spawn('taskset', ['--cpu-list', '0', process.execPath, ...args], { stdio });
}

function startAttack(settings: AttackSettings): { readonly outcomes: () => Record<string, number> } {
  const program = path.join(repository, 'test/dist/faults/hostile-load/attack-main.js');
  attacker = spawnOnOneCore([program, JSON.stringify(settings)], ['ignore', 'pipe', 'inherit']);
  let last = '{}';
  if (attacker.stdout) createInterface({ input: attacker.stdout }).on('line', (line) => (last = line));
  return { outcomes: () => JSON.parse(last) as Record<string, number> };
}

const KINDS: readonly AttackSettings['kind'][] = ['work', 'streams', 'frames', 'floods'];

it.each(KINDS)(
  'keeps its memory, and answers others at half their speed or better, while an agent does all the harm that it can (%s)',
  async (kind) => {
    const settings = await prepareAttack(kind);
    const [enrolled, victim] = await agentNamed(`victim-${kind}`);
    const { sessionId } = await startBackup(victim, enrolled, `of the victim of ${kind}`);
    const gateway = fleet.server.childPid('gateway');
    const control = fleet.server.childPid('control');
    await ask(victim, sessionId);
    await askPages();

    const { outcomes } = startAttack(settings);
    burner = spawnOnOneCore(['-e', 'for (;;);'], 'ignore');
    await expect.poll(() => Object.keys(outcomes()).length, { timeout: 60_000 }).toBeGreaterThan(5);
    let most = 0;
    const sampling = setInterval(() => {
      most = Math.max(most, residentBytes(gateway));
    }, 100);
    const quiet: number[] = [];
    const attacked: number[] = [];
    const quietPages: number[] = [];
    const attackedPages: number[] = [];
    for (let turn = 0; turn < TURNS; turn += 1) {
      burner.kill('SIGSTOP');
      attacker?.kill('SIGCONT');
      attacked.push(...(await ask(victim, sessionId)));
      attackedPages.push(...(await askPages()));
      attacker?.kill('SIGSTOP');
      burner.kill('SIGCONT');
      quiet.push(...(await ask(victim, sessionId)));
      quietPages.push(...(await askPages()));
    }
    clearInterval(sampling);
    attacker?.kill('SIGKILL');
    burner.kill('SIGKILL');
    const told = (times: readonly number[]): string =>
      [0.5, 0.9, 0.99].map((share) => percentile(times, share).toFixed(1)).join(' / ');
    process.stderr.write(
      `${kind}: p50 / p90 / p99 in ms: ${told(quiet)} quiet, ${told(attacked)} attacked; pages ${told(quietPages)} quiet, ${told(attackedPages)} attacked; gateway's memory at most ${Math.round(most / 2 ** 20)} MiB; ${JSON.stringify(outcomes())}\n`,
    );
    expect(fleet.server.childPid('gateway')).toBe(gateway);
    expect(fleet.server.childPid('control')).toBe(control);
    expect(most).toBeLessThan(MOST_RSS);
    expect(percentile(attacked, 0.5)).toBeLessThanOrEqual(2 * Math.max(percentile(quiet, 0.5), FLOOR_MS));
    expect(percentile(attacked, 0.99)).toBeLessThanOrEqual(2 * Math.max(percentile(quiet, 0.99), SLOWEST_FLOOR_MS));
    expect(percentile(attackedPages, 0.5)).toBeLessThanOrEqual(2 * Math.max(percentile(quietPages, 0.5), FLOOR_MS));

    // Others go on: a whole backup, once the attack has ended.
    const source = fleet.newFolder(`source of ${kind}`);
    fs.writeFileSync(path.join(source, 'file'), 'content');
    const job = await fleet.backUp(await fleet.protect({ name: `afterwards of ${kind}`, vaultId, root: source }));
    expect(job).toMatchObject({ state: 'COMPLETED' });
  },
  600_000,
);
