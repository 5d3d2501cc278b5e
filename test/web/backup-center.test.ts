import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { repository } from '../kit/holdfast/repository.js';
import { toPathScalar } from '../kit/path-scalar.js';
import { hasBrowser, openBrowser, Tab, WINDOW } from './browser.js';

/** Whether what has the focus lies where it can be seen: nothing covers its middle. */
const FOCUS_IS_SEEN = `(() => {
  const focused = document.activeElement;
  const { left, top, width, height } = focused.getBoundingClientRect();
  const seen = document.elementFromPoint(left + width / 2, top + height / 2);
  return seen !== null && (focused.contains(seen) || seen.parentElement.contains(focused));
})()`;

/** Options of a command that a line ends within. */
const BROKEN_OPTIONS = `(() => {
  const texts = document.createTreeWalker(document.querySelector('[role="dialog"] pre'), NodeFilter.SHOW_TEXT);
  const broken = [];
  while (texts.nextNode()) {
    const range = document.createRange();
    for (const option of texts.currentNode.data.matchAll(/--[a-z-]+/g)) {
      range.setStart(texts.currentNode, option.index);
      range.setEnd(texts.currentNode, option.index + option[0].length);
      if (range.getClientRects().length > 1) broken.push(option[0]);
    }
  }
  return broken;
})()`;
/** Cells of the last columns of each page's table. */
const NARROW: Record<string, readonly RegExp[]> = {
  'Protected items': [/On demand/],
  Jobs: [/agent-1/, /ago|now/],
  Agents: [/Linux/, /Unlimited/, /\d:\d\d:\d\d/],
  Vaults: [/Confirmed|Not confirmed/],
  Policies: [/15 min/],
};

describe.skipIf(!hasBrowser)('the main job in Backup Center', () => {
  let fleet: Fleet;
  let browser: Browser;
  let tab: Tab;
  let source: string;
  const content = Buffer.from(Array.from({ length: 5000 }, (_, line) => `line ${line}\n`).join(''));

  beforeAll(async () => {
    [fleet, browser] = await Promise.all([Fleet.start({ agents: 2 }), openBrowser()]);
    source = fleet.newFolder('team files');
    fs.mkdirSync(path.join(source, 'letters'));
    fs.writeFileSync(path.join(source, 'letters', 'first.txt'), content);
    fs.writeFileSync(path.join(source, 'letters', 'second.txt'), 'second');
    // A name that would read "invoice exe.pdf" if the page let it.
    fs.writeFileSync(path.join(source, 'letters', 'invoice \u202Efdp.exe'), 'x');
    const { id: vaultId } = await fleet.createVault('main');
    await fleet.protect({ name: 'Team files', vaultId, root: source });
    // One for all: starting a page takes a browser longer than most of what is done with it.
    tab = await Tab.open(browser, fleet.server.addresses.http);
    await tab.goTo('/');
    await tab.signIn(fleet.administrator);
    await tab.arriveAt('Overview');
    expect(tab.complaints).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  beforeEach(async () => {
    tab.complaints.length = 0;
    await tab.page.setViewportSize(WINDOW);
  });

  it('backs up, watches the job to its end, browses the point and restores one file to another host', async () => {
    const { page } = tab;
    await tab.goTo('/');
    await tab.arriveAt('Overview');
    const items = page.getByRole('region', { name: 'Protected items' });
    await items.getByText('Never backed up').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);

    await items.getByRole('link', { name: 'Team files' }).click();
    await tab.arriveAt('Team files');
    // After a change of page the heading has the focus.
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    await page.getByText('No recovery point yet').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);

    await page.getByRole('button', { name: 'Back up now' }).click();
    await page.getByRole('radio', { name: 'Full' }).check();
    expect(await tab.seriousBarriers()).toEqual([]);
    await page.getByRole('button', { name: 'Start the backup' }).click();
    await tab.arriveAt('Full backup of Team files');
    // Nothing is reloaded here: the job moves by itself.
    await page.getByRole('status', { name: 'State: Completed', exact: true }).waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);

    await page.getByRole('link', { name: 'Open the recovery point' }).click();
    await tab.arriveAt('Recovery point Team files#1');
    // What only leads to the folder was not backed up itself.
    await page.getByRole('row', { name: /Folder Not recorded$/ }).waitFor();
    const steps = path.join(source, 'letters').split('/').filter(Boolean);
    for (const step of steps) await page.getByRole('button', { name: step, exact: true }).click();
    await page.getByRole('cell', { name: 'invoice \\xe2\\x80\\xaefdp.exe', exact: true }).waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    await page.getByRole('checkbox', { name: 'Select first.txt' }).check();
    await page.getByRole('button', { name: 'Restore 1 selected entry' }).click();

    const target = path.join(fleet.folder, 'restored');
    await page.getByRole('textbox', { name: 'Folder on that host' }).fill(toPathScalar(Buffer.from(target)));
    await page.getByRole('combobox', { name: 'Agent' }).selectOption({ label: 'agent-2 · Online' });
    await page.getByText(path.join(target, 'first.txt')).waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    await tab.picture('restore-dialog');
    await page.getByRole('button', { name: 'Start the restore' }).click();
    await tab.arriveAt('Restore of Team files');
    await page.getByRole('status', { name: 'State: Completed', exact: true }).waitFor();
    expect(fs.readdirSync(target)).toEqual(['first.txt']);
    expect(fs.readFileSync(path.join(target, 'first.txt')).equals(content)).toBe(true);

    await page.getByRole('link', { name: 'Overview' }).click();
    await items.getByText('Completed').waitFor();
    await page.getByText('1 good').waitFor();
    expect(tab.complaints).toEqual([]);
  });

  it('names a point as the command line does, leads from it to browsing, and says what only commands do', async () => {
    const { page } = tab;
    await tab.goTo('/protected-items');
    await page.getByRole('link', { name: 'Team files', exact: true }).click();
    await tab.arriveAt('Team files');
    const only = page.getByRole('region', { name: 'With the command line only' });
    await only.getByText("holdfast protect stop 'Team files'", { exact: true }).waitFor();
    await only.getByText("holdfast points delete 'Team files#NUMBER'", { exact: true }).waitFor();
    // The time names its zone.
    const name = /^Browse and restore Team files#1 of \d+ \w+ \d{4}, \d\d:\d\d:\d\d \S+$/;
    await page.getByRole('link', { name }).click();
    await tab.arriveAt('Recovery point Team files#1');
    await only.getByText("holdfast points delete 'Team files#1'", { exact: true }).waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    expect(tab.complaints).toEqual([]);
  });

  it('the restore dialog says what is restored, whatever folder of the point is to lie at the target', async () => {
    const { page } = tab;
    const data = await fleet.api.ask('{ recoveryPoints { edges { node { id } } } }');
    await tab.goTo(
      `/recovery-points/${encodeURIComponent(data.recoveryPoints.edges[0].node.id)}?path=${encodeURIComponent(path.join(source, 'letters'))}`,
    );
    await page.getByRole('button', { name: 'Restore everything' }).click();
    const dialog = page.getByRole('dialog', { name: 'Restore from this recovery point' });
    const base = dialog.getByRole('textbox', { name: 'Folder of the recovery point that comes to lie there' });
    await dialog.getByText('Everything in this recovery point is restored.').waitFor();
    await base.fill(`${path.join(source, 'letters')}/`);
    await dialog.getByText(`Only what lies in ${path.join(source, 'letters')} is restored`).waitFor();
    await base.fill('/nowhere');
    await dialog.getByText('Nothing is restored: nothing of this recovery point lies in /nowhere.').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    await dialog.getByRole('radio', { name: 'Where it came from' }).check();
    await dialog.getByText('Everything in this recovery point is restored.').waitFor();
    await dialog.getByRole('button', { name: 'Back', exact: true }).click();

    await page.getByRole('checkbox', { name: 'Select second.txt' }).check();
    await page.getByRole('button', { name: 'Restore 1 selected entry' }).click();
    expect(await tab.errorOf(base)).toBeUndefined();
    await base.fill('/nowhere');
    expect(await tab.errorOf(base)).toBe(
      `${path.join(source, 'letters', 'second.txt')} is selected and does not lie in it.`,
    );
    expect(tab.complaints).toEqual([]);
  });

  it('a restore that fails says why and what to do', async () => {
    const { page } = tab;
    const data = await fleet.api.ask('{ recoveryPoints { edges { node { id } } } }');
    const target = fleet.newFolder('occupied');
    fs.writeFileSync(path.join(target, 'second.txt'), 'somebody else wrote this');
    await tab.goTo(
      `/recovery-points/${encodeURIComponent(data.recoveryPoints.edges[0].node.id)}?path=${encodeURIComponent(path.join(source, 'letters'))}`,
    );
    await page.getByRole('checkbox', { name: 'Select second.txt' }).check();
    await page.getByRole('button', { name: 'Restore 1 selected entry' }).click();
    await page.getByRole('textbox', { name: 'Folder on that host' }).fill(target);
    await page.getByRole('button', { name: 'Start the restore' }).click();
    await tab.arriveAt('Restore of Team files');
    await page.getByRole('alert').getByText('The job failed').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    expect(fs.readFileSync(path.join(target, 'second.txt'), 'utf8')).toBe('somebody else wrote this');
  });

  it.each([
    { width: 1280, height: 850 },
    { width: 390, height: 844 },
  ])('the restore dialog shows its buttons at $width by $height, and whatever has the focus', async (size) => {
    const data = await fleet.api.ask('{ recoveryPoints { edges { node { id } } } }');
    const { page } = tab;
    await page.setViewportSize(size);
    await tab.goTo(`/recovery-points/${encodeURIComponent(data.recoveryPoints.edges[0].node.id)}`);
    await page.getByRole('button', { name: 'Restore everything' }).click();
    const dialog = page.getByRole('dialog', { name: 'Restore from this recovery point' });
    await dialog.getByRole('radio', { name: 'Keep both' }).waitFor();
    // The dialog has come to rest where it stays.
    await tab.settled();
    for (const name of ['Back', 'Start the restore']) {
      const box = await dialog.getByRole('button', { name, exact: true }).boundingBox();
      expect(box?.y, name).toBeGreaterThan(0);
      expect((box?.y ?? 0) + (box?.height ?? 0), name).toBeLessThanOrEqual(size.height);
    }
    expect(await tab.seriousBarriers()).toEqual([]);
    await tab.picture(`restore-dialog-${size.width}`);

    await dialog.getByRole('button', { name: 'Close' }).focus();
    // Two groups of radios, three fields, two buttons.
    for (let step = 1; step <= 7; step += 1) {
      await page.keyboard.press('Tab');
      expect([step, await page.evaluate(FOCUS_IS_SEEN)]).toEqual([step, true]);
    }
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Start the restore');
    await tab.picture(`restore-dialog-${size.width}-end`);
    await page.keyboard.press('Escape');
    await expect.poll(() => tab.focused()).toBe('Restore everything');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Back', exact: true }).press('Enter');
    await expect.poll(() => tab.focused()).toBe('Restore everything');
    expect(tab.complaints).toEqual([]);
  });

  it('creates a policy, a vault with its recovery kit shown once, an enrolment command, and protects folders', async () => {
    const { page } = tab;
    await tab.goTo('/policies');
    await page.getByRole('button', { name: 'Create a policy' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('nightly');
    await page.getByRole('combobox', { name: 'How often' }).selectOption({ label: 'On some days of the week' });
    await page.getByRole('checkbox', { name: 'Saturday' }).uncheck();
    expect(await tab.errorOf(page.getByRole('group', { name: 'Days' }))).toBe('Choose at least one day.');
    expect(await tab.seriousBarriers()).toEqual([]);
    await page.getByRole('combobox', { name: 'How often' }).selectOption({ label: 'Every day' });
    await page.getByRole('button', { name: 'Create the policy' }).click();
    await page.getByRole('row', { name: /nightly.*Every day at 02:00/ }).waitFor();

    await page.getByRole('link', { name: 'Vaults', exact: true }).click();
    await page.getByRole('button', { name: 'Create a vault' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('second');
    await page.getByRole('button', { name: 'Create the vault' }).click();
    const kit = page.getByRole('dialog', { name: 'The recovery kit of this vault' });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      kit.getByRole('link', { name: 'Download the kit' }).click(),
    ]);
    const file = path.join(fleet.folder, 'kit.txt');
    await download.saveAs(file);
    expect(await kit.getByText(fs.readFileSync(file, 'utf8').trim()).count()).toBe(1);
    expect(await tab.seriousBarriers()).toEqual([]);
    await kit.getByRole('textbox').fill(fs.readFileSync(file, 'utf8').trim());
    await kit.getByRole('button', { name: 'Confirm', exact: true }).click();
    await page.getByRole('row', { name: /second.* of [\d.,]+ [KMGTP]iB.*Confirmed/ }).waitFor();
    // One dialog led to the other; a button opened the first.
    await expect.poll(() => tab.focused()).toBe('Create a vault');

    await page.getByRole('link', { name: 'Agents', exact: true }).click();
    await page.getByRole('button', { name: 'Add a host' }).click();
    const agentName = page.getByRole('textbox', { name: 'Name of the agent' });
    await agentName.fill('-web');
    await page.getByRole('button', { name: 'Make the command' }).click();
    expect(await tab.errorOf(agentName)).toContain('begins with a letter or digit');
    await agentName.fill('web 1');
    expect(await tab.errorOf(agentName)).toBeUndefined();
    await page.getByRole('button', { name: 'Make the command' }).click();
    const given = page.getByText(`enroll --server ${fleet.server.addresses.enrollGrpc} --token hfe1.`);
    await given.waitFor();
    await page.setViewportSize({ ...WINDOW, width: 400 });
    expect(await page.evaluate(BROKEN_OPTIONS)).toEqual([]);
    expect(await tab.seriousBarriers()).toEqual([]);
    await page.setViewportSize(WINDOW);
    // The command works where the dialog says.
    const [enrol] = ((await given.textContent()) ?? '').split('\n');
    const said = execFileSync('sh', ['-c', `${enrol} --state "$0"`, path.join(fleet.folder, 'web-1')], {
      cwd: repository,
      encoding: 'utf8',
    });
    expect(said).toContain('Enrolled as "web 1"');
    await page.keyboard.press('Escape');
    await expect.poll(() => tab.focused()).toBe('Add a host');

    await page.getByRole('link', { name: 'Protected items', exact: true }).click();
    await page.getByRole('button', { name: 'Protect folders' }).click();
    const form = page.getByRole('dialog', { name: 'Protect folders' });
    await form.getByRole('textbox', { name: 'Name' }).fill('Letters');
    const mistyped = path.join(source, 'leters');
    await form.getByRole('textbox', { name: 'Folders' }).fill(`${path.join(source, 'letters')}\n${mistyped}`);
    await form.getByRole('combobox', { name: 'Vault' }).selectOption({ label: 'second' });
    await form.getByRole('combobox', { name: 'Policy' }).selectOption({ label: 'nightly' });
    expect(await tab.seriousBarriers()).toEqual([]);
    await form.getByRole('button', { name: 'Protect', exact: true }).click();
    await tab.arriveAt('Letters');
    await page.getByText('Waiting for its first backup').waitFor();
    await page.getByText('A part of this cannot be backed up as things are').waitFor();
    await page
      .getByRole('listitem')
      .filter({ hasText: `${mistyped}: no such file or directory` })
      .waitFor();
    await page.getByText('Some folders cannot be read').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    await tab.picture('pre-check');
    expect(tab.complaints).toEqual([]);
  });

  it('a list that cannot be read is not called empty', async () => {
    const { page } = tab;
    await page.route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('query Vaults')) await route.fulfill({ status: 503, body: 'busy' });
      else await route.continue();
    });
    await tab.goTo('/vaults');
    await page.getByRole('alert').getByText('The vaults could not be read').waitFor();
    expect(await page.getByText('There is no vault yet').count()).toBe(0);
    expect(await tab.seriousBarriers()).toEqual([]);
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('row', { name: /main/ }).waitFor();
  });

  it('every page fits 400 pixels and stays readable in both colour schemes', async () => {
    const { page } = tab;
    await page.setViewportSize({ ...WINDOW, width: 400 });
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      await tab.goTo('/');
      await tab.arriveAt('Overview');
      for (const name of ['Overview', 'Protected items', 'Jobs', 'Agents', 'Vaults', 'Policies']) {
        await page.getByRole('button', { name: 'Open the menu' }).click();
        await page.getByRole('link', { name, exact: true }).click();
        await tab.arriveAt(name);
        await page.getByText('Loading').waitFor({ state: 'detached' });
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        expect([name, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([name, 400]);
        // Nothing of a table is left out: its rows stand below each other.
        for (const cell of NARROW[name] ?? []) await page.getByRole('cell', { name: cell }).first().waitFor();
        expect([name, await tab.seriousBarriers()]).toEqual([name, []]);
      }
      expect(await page.evaluate('document.documentElement.dataset.mantineColorScheme')).toBe(colorScheme);
      await tab.picture(`policies-${colorScheme}`);
    }
  });

  it('a table that is too wide for its panel can be scrolled with the keyboard', async () => {
    const { page } = tab;
    await page.setViewportSize({ ...WINDOW, width: 620 });
    await tab.goTo('/agents');
    const region = page.getByRole('region', { name: 'Agents: scrolls sideways' });
    await region.waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    await tab.picture('agents-620');
    await region.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.evaluate('document.activeElement.scrollLeft')).toBeGreaterThan(0);
    await page.setViewportSize(WINDOW);
    await region.waitFor({ state: 'detached' });
  });

  it('says that jobs are live, and whose session it is, also where there is little room', async () => {
    const { page } = tab;
    await page.setViewportSize({ ...WINDOW, width: 360 });
    await tab.goTo('/');
    await page.getByTitle('Live: jobs update by themselves').getByText('Live', { exact: true }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await tab.seriousBarriers()).toEqual([]);
    await page.getByRole('button', { name: `Account ${fleet.administrator.name}` }).click();
    await page.getByRole('menuitem').getByText(fleet.administrator.name, { exact: true }).waitFor();
  });

  it('a job that waits says for what, and can be cancelled', async () => {
    const { page } = tab;
    await fleet.agent(0).stop();
    await tab.goTo('/protected-items');
    await page.getByRole('link', { name: 'Team files', exact: true }).click();
    await page.getByRole('button', { name: 'Back up now' }).click();
    await page.getByRole('button', { name: 'Start the backup' }).click();
    await tab.arriveAt('Backup of Team files');
    await page.getByText('The agent is not connected.').waitFor();
    await page.getByRole('button', { name: 'Cancel job' }).click();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await page.getByRole('status', { name: 'State: Cancelled' }).waitFor();
    // A job that has ended has no button that could cancel it.
    await expect.poll(() => tab.focused()).toBe('Backup of Team files');
    expect(tab.complaints).toEqual([]);
  });
});
