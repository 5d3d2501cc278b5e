/** Backup Center in a real browser: what it says on the console, and how accessible it is, is part of every test. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { repository } from '../kit/holdfast/repository.js';
import { needPackage } from '../kit/need-package.js';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Of a new tab, in pixels. */
export const WINDOW = { width: 1280, height: 860 };
const STEP_MS = 20_000;
const PICTURES = path.join(repository, 'test-results', 'web');
// A transition begins with the second frame after an element is made.
const SETTLED = `(async () => {
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  const finite = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(finite.map(({ finished }) => finished));
})()`;
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const hasBrowser = needPackage({
  what: 'Backup Center in Chromium',
  packages: ['chromium'],
  isThere: () => fs.existsSync(CHROMIUM),
});

export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
}

interface AxeResult {
  readonly violations: ReadonlyArray<{ impact: string; id: string; nodes: ReadonlyArray<{ target: string[] }> }>;
}

/** One page with a session of its own. */
export class Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors on the console (violations of the content security policy among them) and uncaught exceptions. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  static async open(browser: Browser, url: string): Promise<Tab> {
    const context = await browser.newContext({ baseURL: url, viewport: WINDOW, colorScheme: 'light', locale: 'en-GB' });
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_MS);
    return new Tab(context, page);
  }

  async goTo(address: string): Promise<void> {
    await this.page.goto(address);
  }

  /** Waits for the page of that title. */
  async arriveAt(title: string | RegExp): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name: title }).waitFor();
  }

  /** What stands on the element that has the focus; of the page as a whole, that is nothing. */
  async focused(): Promise<string> {
    return await this.page.evaluate<string>(
      "document.activeElement === document.body ? '' : document.activeElement.textContent",
    );
  }

  /** The error that describes a field, as ears get it; undefined while it has none. */
  async errorOf(field: Locator): Promise<string | undefined> {
    const described = (await field.getAttribute('aria-describedby')) ?? '';
    const id = described.split(' ').find((each) => each.endsWith('-error'));
    if (id === undefined) return undefined;
    return (await this.page.locator(`[id="${id}"]`).textContent()) ?? undefined;
  }

  async signIn({ name, password }: { name: string; password: string }): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Name' }).fill(name);
    await this.page.getByRole('textbox', { name: 'Password' }).fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** Until what fades in or out has done so: half-way its colours are nobody's choice. What moves for ever is not waited for. */
  async settled(): Promise<void> {
    await this.page.evaluate(SETTLED);
  }

  /** The rules of axe-core that the page breaks seriously, with the elements that break them. */
  async seriousBarriers(): Promise<string[]> {
    await this.settled();
    if (!(await this.page.evaluate<boolean>("'axe' in window"))) await this.page.evaluate(axe);
    const result = await this.page.evaluate<AxeResult>("axe.run(document, { resultTypes: ['violations'] })");
    return result.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  }

  /** For people to look at, below test-results/web. */
  async picture(name: string): Promise<void> {
    fs.mkdirSync(PICTURES, { recursive: true });
    await this.page.screenshot({ path: path.join(PICTURES, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
