import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from '../kit/holdfast/agent-process.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp } from '../kit/holdfast/jobs.js';
import { hasBrowser, openBrowser, Tab } from './browser.js';

const MIB = 1024 * 1024;
/** More than an agent reads ahead of what it sends: what is shown is what was read. */
const FILM_MIB = 160;
/** Slow enough to look at. */
const FILM_BYTES_PER_SECOND = 16 * MIB;

describe.skipIf(!hasBrowser)('the overview of a fleet', () => {
  let fleet: Fleet;
  let browser: Browser;
  let tab: Tab;
  let videos: string;
  let media: AgentProcess;
  let kit: string;
  const agents: AgentProcess[] = [];
  const items: Record<string, string> = {};

  async function addAgent(name: string): Promise<AgentProcess> {
    const { folder, server, api, subscriptionId } = fleet;
    const agent = await AgentProcess.enroll(server, api, { folder, name, subscriptionId });
    agent.start();
    agents.push(agent);
    await agent.waitUntilOnline(api);
    return agent;
  }

  function writeFolder(name: string, files: number): string {
    const folder = fleet.newFolder(name);
    for (let index = 0; index < files; index += 1) {
      fs.writeFileSync(path.join(folder, `file-${index}`), randomBytes(20_000));
    }
    return folder;
  }

  beforeAll(async () => {
    [fleet, browser] = await Promise.all([Fleet.start({ agents: 0 }), openBrowser()]);
    const { id: vaultId, recoveryKit } = await fleet.createVault('main');
    kit = recoveryKit;
    const nightly = { frequency: 'DAILY', at: '02:00', timeZone: 'Europe/Berlin', backupType: 'INCREMENTAL' };
    const { policy } = await fleet.api.mutate(
      'createPolicy',
      { subscriptionId: fleet.subscriptionId, name: 'nightly', schedule: nightly },
      'policy { id }',
    );
    const web = await addAgent('web-1');
    media = await addAgent('media-1');
    const office = await addAgent('office-1');
    videos = writeFolder('videos', 3);
    fs.writeFileSync(path.join(videos, 'film'), randomBytes(FILM_MIB * MIB));
    const common = { vaultId, policyId: policy.id };
    items['Website'] = await fleet.protect({ ...common, name: 'Website', agent: web, root: writeFolder('www', 40) });
    items['Videos'] = await fleet.protect({ ...common, name: 'Videos', agent: media, root: videos });
    items['Office'] = await fleet.protect({
      ...common,
      name: 'Office',
      agent: office,
      root: writeFolder('office', 10),
    });
    for (const item of Object.values(items)) expect(await fleet.backUp(item)).toMatchObject({ state: 'COMPLETED' });
    await office.stop();
  });

  afterAll(async () => {
    await browser?.close();
    await Promise.all(agents.map((agent) => agent.stop()));
    await fleet?.stop();
  });

  it('reminds of a recovery kit until somebody confirms it', async () => {
    tab = await Tab.open(browser, fleet.server.addresses.http);
    await tab.goTo('/');
    await tab.signIn(fleet.administrator);
    await tab.arriveAt('Overview');
    await tab.page.getByText('The recovery kit of main is not confirmed').waitFor();
    await tab.page.getByRole('button', { name: 'Check the stored kit' }).click();
    const dialog = tab.page.getByRole('dialog', { name: 'Check the recovery kit' });
    const box = dialog.getByRole('textbox', { name: 'Recovery kit, from where it is stored' });
    await box.fill(kit.slice(0, -1));
    await dialog.getByRole('button', { name: 'Confirm', exact: true }).click();
    await dialog.getByText('This is not a recovery kit, or it was mistyped').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    await box.fill(kit);
    await dialog.getByRole('button', { name: 'Confirm', exact: true }).click();
    await tab.page.getByText('The recovery kit of main is not confirmed').waitFor({ state: 'detached' });
    // The button that opened the dialog is gone with it.
    await expect.poll(() => tab.focused()).toBe('Overview');
  });

  it('shows what runs, moving by itself, what waits and why, what failed and why, and who is offline', async () => {
    const { page } = tab;
    // Where a file is in the way, a restore that may not touch it fails.
    const data = await fleet.api.ask(
      'query Points($id: ID!) { recoveryPoints(filter: { protectedItemId: $id }) { edges { node { id } } } }',
      { id: items['Website'] },
    );
    const target = fleet.newFolder('occupied');
    fs.writeFileSync(path.join(target, 'file-0'), 'in the way');
    const recoveryPointId = data.recoveryPoints.edges[0].node.id;
    const request = { recoveryPointId, path: target, base: path.join(fleet.folder, 'www') };
    const failed = await fleet.restore(request);
    expect([failed.state, (await fleet.restore(request)).state]).toEqual(['FAILED', 'FAILED']);

    const running = page.getByRole('region', { name: 'Running now' });
    await running.getByText('No job is running').waitFor();
    fs.writeFileSync(path.join(videos, 'film'), randomBytes(FILM_MIB * MIB));
    await backUp(fleet.api, items['Office'] ?? '', 'INCREMENTAL');
    const waiting = running.getByRole('listitem').filter({ hasText: 'Office' });
    await waiting.getByText('The agent is not connected.').waitFor({ timeout: 60_000 });
    await fleet.api.mutate(
      'setAgentBandwidth',
      { agentId: media.id, uploadBytesPerSecond: String(FILM_BYTES_PER_SECOND) },
      'agent { id }',
    );
    await backUp(fleet.api, items['Videos'] ?? '', 'INCREMENTAL');
    const bar = running.getByRole('progressbar', { name: 'Backup of Videos' });
    await bar.waitFor();
    await running.getByText(/about [1-9]\d %.* MiB\/s/).waitFor();
    await page.getByText('1 offline').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    // What has begun since the page was opened lies in the past.
    expect(await page.getByText('in less than a minute').count()).toBe(0);
    await tab.picture('overview');
    await bar.waitFor({ state: 'detached', timeout: 60_000 });

    const failures = page.getByRole('region', { name: 'Recent failures' });
    const links = failures.getByRole('link', { name: /^Restore of Website \(created / });
    await expect.poll(() => links.count()).toBe(2);
    // By its name alone one can tell which.
    expect(new Set(await links.allTextContents()).size).toBe(2);
    const reason = failures.getByText(failed.error.message).first();
    expect(await reason.evaluate(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight)).toBe(0);
    // What is no state does not look like one.
    const vaults = page.getByRole('region', { name: 'Vaults', exact: true });
    await vaults.getByText(/^\d recovery points in 1 vault$/).waitFor();
    expect(await vaults.locator('svg').count()).toBe(0);
    const next = page.getByRole('region', { name: 'Next backups' });
    expect(await next.getByRole('listitem').count()).toBe(3);
    expect(tab.complaints).toEqual([]);
  });

  it('says that a vault is out of service, and why, on the overview and in the list of vaults', async () => {
    const { page } = tab;
    const { storeRoot } = fleet.server;
    const store = path.join(storeRoot, fs.readdirSync(storeRoot)[0] ?? '');
    fs.renameSync(store, `${storeRoot}-away`);
    await tab.goTo('/');
    await page.getByText('The vault main is out of service').waitFor();
    await page.getByText('1 out of service').waitFor();
    await tab.goTo('/vaults');
    await page
      .getByText('The store is not there: its folder is missing; is its disk mounted? (STORE_MISSING)')
      .waitFor();
    await page.getByRole('cell', { name: 'Out of service' }).waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    fs.renameSync(`${storeRoot}-away`, store);
    await page.reload();
    await page.getByRole('cell', { name: 'In service' }).waitFor();
    expect(tab.complaints).toEqual([]);
  });
});
