import { ManualClock } from '@holdfast/core/clock';
import { MemoryStore, packName } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import { World } from '../testing/world.fixture.js';
import { fetchChunks } from './fetch-frames.js';
import { HangGuard } from './hang-guard.js';

const TEN_SECONDS = 10_000;
const hangs = { kind: 'Unavailable', code: 'STORE_HANGS' };

/** Holds what it is asked for until that is let go. */
class SlowStore extends FaultyStore {
  readonly waiting: (() => void)[] = [];
  asked = 0;
  isSlow = true;

  override async get(...args: Parameters<FaultyStore['get']>): Promise<Buffer> {
    await this.hold();
    return super.get(...args);
  }

  override async stat(name: string) {
    await this.hold();
    return super.stat(name);
  }

  override async *list(prefix: string) {
    await this.hold();
    yield* super.list(prefix);
  }

  override async space() {
    await this.hold();
    return { free: 1n, total: 2n };
  }

  private async hold(): Promise<void> {
    this.asked += 1;
    if (this.isSlow) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

async function guarded() {
  const clock = new ManualClock();
  const inner = new MemoryStore();
  await inner.put('point/1', Buffer.from('content'));
  const slow = new SlowStore(inner);
  const logged: unknown[] = [];
  const log = pino({}, { write: (line: string) => logged.push((JSON.parse(line) as { msg: unknown }).msg) });
  return { clock, slow, logged, store: new HangGuard(slow, { vaultId: 'vault', clock, log }) };
}

describe('a store that hangs', () => {
  it('is asked for nothing more once two reads of it have had no answer for ten seconds, and again once one of them has', async () => {
    const { clock, slow, store, logged } = await guarded();
    const held = [store.get('point/1'), store.stat('point/1')];
    await clock.advance(TEN_SECONDS - 1);
    held.push(store.stat('point/1'));
    expect(slow.asked).toBe(3);
    await clock.advance(1);
    for (const read of [
      () => store.get('point/1'),
      () => store.stat('point/1'),
      () => store.space(),
      () => Array.fromAsync(store.list('')),
    ])
      await expect(read()).rejects.toMatchObject(hangs);
    expect(slow.asked).toBe(3);
    expect(logged).toEqual(['store.hangs']);

    slow.waiting.shift()?.();
    expect(await held[0]).toEqual(Buffer.from('content'));
    expect(logged).toEqual(['store.hangs', 'store.answers_again']);
    slow.isSlow = false;
    for (const letGo of slow.waiting) letGo();
    expect(await Array.fromAsync(store.list(''), ({ name }) => name)).toEqual(['point/1']);
    expect(await store.space()).toEqual({ free: 1n, total: 2n });
    await Promise.all(held);
  });

  it('is asked on while a single read of it has no answer', async () => {
    const { clock, slow, store } = await guarded();
    const stuck = store.get('point/1');
    await clock.advance(24 * 3_600_000);
    slow.isSlow = false;
    expect((await store.get('point/1')).toString()).toBe('content');
    slow.waiting.shift()?.();
    await stuck;
  });

  it('takes what is written', async () => {
    const { clock, slow, store } = await guarded();
    const held = [store.get('point/1'), store.get('point/1')];
    await clock.advance(TEN_SECONDS);
    expect(await store.put('point/2', Buffer.from('x'), { ifAbsent: true })).toEqual({ created: true });
    for (const letGo of slow.waiting) letGo();
    await Promise.all(held);
  });
});

let world: World | undefined;
afterEach(() => world?.remove());

describe('people who browse a vault whose store hangs', () => {
  it('leave two reads behind there, however often they ask', async () => {
    const made = await World.create('browsed');
    world = made;
    const { alice, clock, core } = made;
    const slow = new SlowStore(made.store);
    slow.isSlow = false;
    made.visibleStore = slow;
    const { session } = await made.backup(alice);
    const file = alice.data('file');
    const pack = alice.pack([[file]]);
    await made.upload(session, pack);
    slow.isSlow = true;
    slow.asked = 0;
    const refused: unknown[] = [];
    const asking: Promise<unknown>[] = [];
    for (let time = 0; time < 6; time += 1) {
      const parts = Array.fromAsync(fetchChunks(core, made.vault, file.id), ({ kind }) => kind);
      asking.push(parts.catch((error: unknown) => refused.push(error)));
      await new Promise(setImmediate);
      await clock.advance(TEN_SECONDS);
    }
    expect(slow.asked).toBe(2);
    expect(refused).toMatchObject([hangs, hangs, hangs, hangs]);
    for (const letGo of slow.waiting) letGo();
    expect(await Promise.all(asking.slice(0, 2))).toEqual([['frame'], ['frame']]);
    expect(session.vault.index.suspectPacks(0, 9)).toEqual([]);
    expect((await made.store.stat(packName(uuidToBytes(pack.packId))))?.size).toBeGreaterThan(0);
  });
});
