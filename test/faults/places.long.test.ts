import fs from 'node:fs';
import path from 'node:path';
import { systemRandom } from '@holdfast/core/ids';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AgentProcess } from '../kit/holdfast/agent-process.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { Crowd } from './crowd.js';

const MIB = 1024 * 1024;
const SOURCE_BYTES = 6 * MIB;
/** A link of 1 Mbit/s. */
const SLOW_BYTES_PER_SECOND = 125_000;
const LONGEST_MS = 60_000;
const LONGEST_SLOW_MS = 300_000;

let fleet: Fleet;
let vaultId: string;
let anotherVaultId: string;
let crowd: Crowd | undefined;

beforeAll(async () => {
  fleet = await Fleet.start({ agents: 3 });
  vaultId = (await fleet.createVault('attacked')).id;
  anotherVaultId = (await fleet.createVault('another')).id;
}, 120_000);

afterAll(async () => {
  crowd?.leave();
  await fleet?.stop();
});

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
  crowd = await Crowd.gather(fleet, vaultId);
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
