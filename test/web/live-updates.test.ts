import fs from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { hasBrowser, openBrowser, Tab } from './browser.js';

/** Of one user; the server takes no more. */
const WATCHERS = 80;
const OF_A_CONNECTION = 40;
/** Lists are read again every half minute by themselves. */
const SOON_MS = 20_000;
/** A page tries again at least once a minute. */
const LATER_MS = 120_000;

/** Another program of the same user, which watches as much as one may. */
class Watcher {
  readonly #sockets: WebSocket[] = [];

  static async fill(url: string, token: string, subscriptionId: string): Promise<Watcher> {
    const watcher = new Watcher();
    for (let taken = 0; taken < WATCHERS; taken += OF_A_CONNECTION)
      await watcher.#connect(url, token, subscriptionId, OF_A_CONNECTION);
    const refused = await watcher.#connect(url, token, subscriptionId, 1);
    await expect.poll(refused).toContain('TOO_MANY_WATCHERS');
    return watcher;
  }

  async #connect(url: string, token: string, subscriptionId: string, count: number): Promise<() => string> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    this.#sockets.push(socket);
    const say = (message: object): void => socket.send(JSON.stringify(message));
    let heard = '';
    socket.addEventListener('message', ({ data }) => {
      heard += String(data);
    });
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    await expect.poll(() => heard).toContain('connection_ack');
    const query = 'subscription Watch($id: ID!) { jobsUpdated(subscriptionId: $id) { id } }';
    for (let id = 0; id < count; id += 1)
      say({ id: `${id}`, type: 'subscribe', payload: { query, variables: { id: subscriptionId } } });
    return () => heard;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

describe.skipIf(!hasBrowser)('live updates in Backup Center', () => {
  let fleet: Fleet;
  let browser: Browser;
  let tab: Tab;
  let vaultId: string;

  beforeAll(async () => {
    [fleet, browser] = await Promise.all([Fleet.start(), openBrowser()]);
    vaultId = (await fleet.createVault('main')).id;
  });

  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  async function backUp(name: string): Promise<void> {
    const root = fleet.newFolder(name);
    fs.writeFileSync(path.join(root, 'file'), name);
    expect(await fleet.backUp(await fleet.protect({ name, vaultId, root }))).toMatchObject({ state: 'COMPLETED' });
  }

  const sign = (words: string) => tab.page.getByText(words, { exact: true });
  const row = (name: string) => tab.page.getByRole('row', { name: new RegExp(`${name}.*Completed`) });

  it('without room for another watcher a page looks every few seconds, and is live once there is room', async () => {
    const { token } = await fleet.server.api().mutate('signIn', { ...fleet.administrator }, 'token');
    const watcher = await Watcher.fill(fleet.server.addresses.http, token, fleet.subscriptionId);
    tab = await Tab.open(browser, fleet.server.addresses.http);
    await tab.goTo('/jobs');
    await tab.signIn(fleet.administrator);
    await tab.arriveAt('Jobs');
    await sign('Every few seconds').waitFor();
    expect(await tab.seriousBarriers()).toEqual([]);
    await backUp('Letters');
    await row('Letters').waitFor({ timeout: SOON_MS });
    watcher.close();
    await sign('Live').waitFor({ timeout: LATER_MS });
    await backUp('Photos');
    await row('Photos').waitFor({ timeout: SOON_MS });
    expect(tab.complaints).toEqual([]);
  });

  it('a page whose server was away is live again, and shows what happened since', async () => {
    await fleet.server.stop();
    await sign('Reconnecting…').waitFor();
    await fleet.server.start();
    await fleet.agent().waitUntilOnline(fleet.api);
    await backUp('Music');
    await sign('Live').waitFor({ timeout: LATER_MS });
    await row('Music').waitFor({ timeout: SOON_MS });
  });
});
