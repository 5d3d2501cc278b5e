import fs from 'node:fs';
import path from 'node:path';
import { systemRandom } from '@holdfast/core/ids';
import { PackKind } from '@holdfast/proto/v1';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentProcess } from '../kit/holdfast/agent-process.js';
import type { Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { answerOf, HostileAgent } from '../kit/holdfast/hostile-agent.js';

/** More than there are places for uploads. */
const ATTACKERS = 80;
const AT_A_TIME = 8;
/** 72 KiB a second each. */
const TRICKLE_MS = 250;
const TRICKLE = Buffer.alloc(18 * 1024);
const MIB = 1024 * 1024;
const SOURCE_BYTES = 6 * MIB;
/** A link of 1 Mbit/s. */
const SLOW_BYTES_PER_SECOND = 125_000;
const LONGEST_MS = 60_000;
const LONGEST_SLOW_MS = 300_000;

let fleet: Fleet;
let vaultId: string;
let anotherVaultId: string;
const attackers: HostileAgent[] = [];
let isOver = false;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 3 });
  vaultId = (await fleet.createVault('attacked')).id;
  anotherVaultId = (await fleet.createVault('another')).id;
}, 120_000);

afterAll(async () => {
  isOver = true;
  for (const attacker of attackers) attacker.close();
  await fleet?.stop();
});

/** One upload of one agent that moves a little more than slow ones do, and comes again whenever it had to give way. */
async function attack(name: string): Promise<void> {
  const { folder, server, api, subscriptionId } = fleet;
  const enrolled = await AgentProcess.enroll(server, api, { folder, name, subscriptionId });
  const agent = new HostileAgent(server, enrolled);
  attackers.push(agent);
  await agent.connect();
  const itemId = await fleet.protect({ name: `of ${name}`, vaultId, root: '/srv', agent: enrolled });
  await api.mutate('backupNow', { protectedItemId: itemId, type: 'FULL' }, 'job { id }');
  const { job } = await agent.hear('startBackup');
  agent.say({ $case: 'jobAccepted', value: { job } });
  const { sessionId } = await answerOf<Data>((done) => agent.data.openSession({ job }, done));
  void trickle(agent, sessionId as Buffer);
}

async function trickle({ data }: HostileAgent, sessionId: Buffer): Promise<void> {
  const header = { sessionId, packId: systemRandom.bytes(16), kind: PackKind.PACK_KIND_DATA };
  for (let again = false; !isOver; again = true) {
    await new Promise<void>((resolve) => {
      let isWanted = false;
      const stream = data.uploadPack(() => {
        clearInterval(sending);
        resolve();
      });
      stream.once('metadata', () => (isWanted = true));
      stream.write({ part: { $case: 'header', value: { ...header, again } } });
      const sending = setInterval(() => {
        if (isWanted) stream.write({ part: { $case: 'frame', value: { data: TRICKLE, last: false } } });
      }, TRICKLE_MS);
    });
    await new Promise((resolve) => setTimeout(resolve, TRICKLE_MS));
  }
}

/** Milliseconds that one backup of some MiB that the vault lacks takes. */
async function backUp(agent: AgentProcess, vault: string, name: string): Promise<number> {
  const root = fleet.newFolder(name);
  fs.writeFileSync(path.join(root, 'file'), systemRandom.bytes(SOURCE_BYTES));
  const itemId = await fleet.protect({ name, vaultId: vault, root, agent });
  const started = performance.now();
  const job = await fleet.backUp(itemId);
  expect(job).toMatchObject({ state: 'COMPLETED' });
  return performance.now() - started;
}

it('hands places on, so that many agents of one vault that trickle make nobody wait for long', async () => {
  const measure = async (when: string) => ({
    other: await backUp(fleet.agent(0), anotherVaultId, `of another vault - ${when}`),
    same: await backUp(fleet.agent(1), vaultId, `of the same vault - ${when}`),
  });
  const quiet = await measure('quiet');
  for (let from = 0; from < ATTACKERS; from += AT_A_TIME)
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, at) => attack(`attacker-${from + at}`)));
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  const attacked = await measure('attacked');

  const { id } = fleet.agent(2);
  const uploadBytesPerSecond = String(SLOW_BYTES_PER_SECOND);
  await fleet.api.mutate('setAgentBandwidth', { agentId: id, uploadBytesPerSecond, windows: [] }, 'agent { id }');
  const slow = await backUp(fleet.agent(2), vaultId, 'slow - attacked');

  const told = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  process.stderr.write(
    `another vault: ${told(quiet.other)} quiet, ${told(attacked.other)} attacked; the same vault: ${told(quiet.same)} quiet, ${told(attacked.same)} attacked; at 1 Mbit/s, attacked: ${told(slow)}, ${told((SOURCE_BYTES * 1000) / SLOW_BYTES_PER_SECOND)} at the least\n`,
  );
  expect(attacked.other).toBeLessThan(LONGEST_MS);
  expect(attacked.same).toBeLessThan(LONGEST_MS);
  expect(slow).toBeLessThan(LONGEST_SLOW_MS);
}, 900_000);
