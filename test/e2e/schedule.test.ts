import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';

const received: Data[] = [];
let listener: http.Server;
let fleet: Fleet;

beforeAll(async () => {
  listener = http.createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += String(piece);
    });
    request.on('end', () => {
      received.push(JSON.parse(body));
      response.end();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  fleet = await Fleet.start({ serverArgs: ['--failure-webhook', `http://127.0.0.1:${port}/failed`] });
});

afterAll(async () => {
  await fleet?.stop();
  listener?.close();
});

describe('a policy', () => {
  it('fires when its time comes, once', async () => {
    const source = fleet.newFolder('source');
    fs.writeFileSync(path.join(source, 'file'), 'content');
    const vault = await fleet.createVault('vault');
    const soon = new Date(Date.now() + 65_000).toISOString().slice(11, 16);
    const schedule = { frequency: 'DAILY', at: soon, timeZone: 'UTC', backupType: 'FULL' };
    const { policy } = await fleet.api.mutate(
      'createPolicy',
      { subscriptionId: fleet.subscriptionId, name: 'soon', schedule },
      'policy { id }',
    );
    const item = await fleet.protect({ name: 'item', vaultId: vault.id, root: source, policyId: policy.id });
    const { protectedItem } = await fleet.api.ask(
      'query I($id: ID!) { protectedItem(id: $id) { nextBackupAt protectionState } }',
      { id: item },
    );
    expect(protectedItem.protectionState).toBe('PENDING');
    expect(protectedItem.nextBackupAt.slice(11, 16)).toBe(soon);

    const jobs = async (): Promise<Data[]> => {
      const data = await fleet.api.ask(
        'query J($filter: JobFilter) { jobs(filter: $filter) { edges { node { state kind startedAt } } } }',
        { filter: { protectedItemId: item } },
      );
      return data.jobs.edges.map((edge: { node: unknown }) => edge.node);
    };
    await expect.poll(async () => (await jobs())[0]?.state, { timeout: 100_000, interval: 1000 }).toBe('COMPLETED');
    expect(await jobs()).toHaveLength(1);
    const after = await fleet.api.ask('query I($id: ID!) { protectedItem(id: $id) { nextBackupAt protectionState } }', {
      id: item,
    });
    expect(after.protectedItem.protectionState).toBe('PROTECTED');
    expect(Date.parse(after.protectedItem.nextBackupAt) - Date.parse(protectedItem.nextBackupAt)).toBe(
      24 * 3600 * 1000,
    );
  });
});

describe('the failure webhook', () => {
  it('is called with a job that failed, and why', async () => {
    const vault = await fleet.createVault('webhook');
    const item = await fleet.protect({
      name: 'gone',
      vaultId: vault.id,
      root: path.join(fleet.folder, 'does-not-exist'),
    });
    const job = await fleet.backUp(item);
    expect(job.state).toBe('FAILED');
    expect(job.error.message).toContain('does-not-exist');
    await expect.poll(() => received.length, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(JSON.stringify(received[0])).toContain(job.error.code);
  });
});
