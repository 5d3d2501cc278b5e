import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Administrator, ServerProcess } from '../kit/holdfast/server-process.js';
import { hasBrowser, openBrowser, Tab } from './browser.js';

describe.skipIf(!hasBrowser)('sessions in Backup Center', () => {
  const administrator: Administrator = { name: 'admin', password: 'correct-horse-battery' };
  let folder: string;
  let server: ServerProcess;
  let browser: Browser;
  let tab: Tab;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-web-'));
    server = new ServerProcess(folder);
    [browser] = await Promise.all([openBrowser(), server.start()]);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    tab = await Tab.open(browser, server.addresses.http);
  });

  afterEach(async () => {
    await tab.close();
  });

  it('the first visitor with the setup code makes the administrator and is signed in', async () => {
    const { page } = tab;
    await tab.goTo('/');
    await tab.arriveAt('Set up Holdfast');
    expect(await tab.seriousBarriers()).toEqual([]);

    const field = (name: string) => page.getByRole('textbox', { name, exact: true });
    await field('Setup code').fill('0000-0000-0000');
    await field("Administrator's name").fill(administrator.name);
    await field('Password').fill(administrator.password);
    await field('Password again').fill('something-else-entirely');
    await page.getByRole('button', { name: /^Make the administrator/ }).click();
    await page.getByText('The two passwords differ.').waitFor();

    await field('Password again').fill(administrator.password);
    await page.keyboard.press('Enter');
    await page
      .getByRole('alert')
      .getByText(/setup code is wrong/)
      .waitFor();

    await field('Setup code').fill(fs.readFileSync(path.join(server.dataFolder, 'setup-code'), 'utf8').trim());
    await page.keyboard.press('Enter');
    await tab.arriveAt('Overview');
    await page.getByRole('heading', { name: 'First steps' }).waitFor();
    await page.getByText('holdfast agent token').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    await page.getByText('No job has run yet').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    expect(tab.complaints).toEqual([]);
  });

  it('signing in needs nothing but the keyboard, and a wrong password is said in words', async () => {
    const { page } = tab;
    await tab.goTo('/vaults');
    await tab.arriveAt('Sign in');
    expect(await tab.seriousBarriers()).toEqual([]);
    await page.keyboard.type(administrator.name);
    await page.keyboard.press('Tab');
    await page.keyboard.type('not-the-password');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('The name or the password is wrong.').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);

    // The password field has been emptied and has the focus.
    await page.keyboard.type(administrator.password);
    await page.keyboard.press('Enter');
    await tab.arriveAt('Vaults');

    await page.reload();
    await tab.arriveAt('Vaults');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    expect(tab.complaints).toEqual([]);
  });

  it('the session is kept where no script can read it', async () => {
    await tab.goTo('/');
    await tab.signIn(administrator);
    await tab.arriveAt('Overview');
    const cookies = await tab.context.cookies();
    expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
      { httpOnly: true, sameSite: 'Strict' },
    ]);
    const [token] = cookies.map(({ value }) => value);
    const readable = await tab.page.evaluate(
      'document.cookie + JSON.stringify([{ ...localStorage }, { ...sessionStorage }])',
    );
    expect(readable).not.toContain(token);
  });

  it('a session that the server ends leads to sign-in with a reason, and from there back to the page', async () => {
    const { page } = tab;
    await tab.goTo('/policies');
    await tab.signIn(administrator);
    await tab.arriveAt('Policies');
    await page.getByText('Live', { exact: true }).waitFor();
    const [cookie] = await tab.context.cookies();
    await server.api(cookie?.value).mutate('signOut', {}, 'clientMutationId');
    await tab.arriveAt('Sign in');
    await page.getByText('Your session has ended.').waitFor();
    await tab.signIn(administrator);
    await tab.arriveAt('Policies');
  });

  it('signing out ends the session on the server, too', async () => {
    const { page } = tab;
    await tab.goTo('/policies');
    await tab.signIn(administrator);
    await tab.arriveAt('Policies');
    const [cookie] = await tab.context.cookies();
    await page.getByRole('button', { name: 'Account admin' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await tab.arriveAt('Sign in');
    expect(await page.getByText('Your session has ended.').count()).toBe(0);
    expect(await server.api(cookie?.value).ask('{ me { user { name } } }')).toEqual({ me: null });
  });
});
