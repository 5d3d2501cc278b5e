import { encodePackFooter, openPackIndex, parseObjectName } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyStore } from '../testing/faulty-store.fixture.js';
import { World } from '../testing/world.fixture.js';
import { endSessions } from './end-sessions.js';

let world: World;
afterEach(() => world.remove());

const away = new HoldfastError({ kind: 'Unavailable', code: 'GONE', message: 'Gone.' });

async function names(prefix: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { name } of world.store.list(prefix)) all.push(name);
  return all;
}

describe('the commit of a backup', () => {
  it('tells which chunks are missing, and succeeds once they are sent', async () => {
    world = await World.create('missing');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const [one, two] = [alice.data('one'), alice.data('two')];
    const inner = alice.node('inner', [one, two]);
    const root = alice.node('root', [inner]);
    expect(await world.commit(session, root.id)).toEqual({ kind: 'missing', ids: root.id });
    // Parents before children, as parallel uploads may have it.
    await world.upload(session, alice.pack([[root]]));
    await world.upload(session, alice.pack([[inner]]));
    await world.upload(session, alice.pack([[one]]));
    expect(await world.commit(session, root.id)).toEqual({ kind: 'missing', ids: two.id });
    await world.upload(session, alice.pack([[two]]));
    expect(await world.commit(session, root.id)).toMatchObject({ kind: 'committed' });
  });

  it('refuses edges to chunks whose content the agent never had, whoever stored them', async () => {
    world = await World.create('stolen');
    const { alice, bob } = world;
    const secret = await world.commitTree(alice, ['the secret']);
    const { session } = await world.backup(bob);
    const stolen = secret.data[0]?.id as Buffer;
    const thief = bob.node('thief', [stolen]);
    await world.upload(session, bob.pack([[thief]]));
    expect(await world.commit(session, thief.id)).toEqual({ kind: 'missing', ids: stolen });
    expect(await world.commit(session, secret.root.id)).toEqual({ kind: 'missing', ids: stolen });

    // Nor through a node that was left behind by an earlier session of its own.
    const later = await world.backup(bob);
    expect(await world.has(later.session, [thief])).toEqual([false]);
    const over = bob.node('over', [thief]);
    await world.upload(later.session, bob.pack([[over]]));
    expect(await world.commit(later.session, over.id)).toEqual({ kind: 'missing', ids: thief.id });
    await world.clock.advance(1);
    expect(world.control.incidents).toEqual([
      {
        kind: 'commit',
        reason: 'CHUNKS_NOT_PROVED',
        agentId: bob.agentId,
        vaultId: world.vault.vaultId,
        jobId: session.job.jobId,
        count: 1,
      },
    ]);
  });

  it('takes a root that is data for missing', async () => {
    world = await World.create('data root');
    const { session } = await world.backup(world.alice);
    const data = world.alice.data('no node');
    await world.upload(session, world.alice.pack([[data]]));
    expect(await world.commit(session, data.id)).toEqual({ kind: 'missing', ids: data.id });
  });

  it('may refer to what was claimed instead of sent', async () => {
    world = await World.create('claimed');
    const first = await world.commitTree(world.alice, ['one', 'two']);
    const { session } = await world.backup(world.alice);
    expect(await world.has(session, [first.root])).toEqual([true]);
    const root = world.alice.node('new root', [first.root]);
    await world.upload(session, world.alice.pack([[root]]));
    expect(await world.commit(session, root.id)).toMatchObject({ kind: 'committed' });
    expect(await names('point/')).toHaveLength(2);
  });

  it('answers a repetition as the first time, and another root not at all', async () => {
    world = await World.create('repeat');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const root = alice.node('root', []);
    await world.upload(session, alice.pack([[root]]));
    const first = await world.commit(session, root.id);
    expect(await world.commit(session, root.id)).toEqual(first);
    await expect(world.commit(session, Buffer.alloc(32))).rejects.toMatchObject({ kind: 'IllegalState' });
    expect(await names('point/')).toHaveLength(1);
  });

  it('has every footer in an index object before the point exists', async () => {
    world = await World.create('index');
    const { alice } = world;
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    const { session } = await world.backup(alice);
    const data = alice.data('content');
    const root = alice.node('root', [data]);
    const packs = [alice.pack([[data]]), alice.pack([[root]])];
    for (const pack of packs) await world.upload(session, pack);
    let indexesAtPoint: string[] | undefined;
    const seen: string[] = [];
    store.beforeCommit = (name) => {
      if (name.startsWith('index/')) seen.push(name);
      if (name.startsWith('point/')) indexesAtPoint = [...seen];
    };
    await world.commit(session, root.id);
    expect(indexesAtPoint).toHaveLength(1);
    const name = indexesAtPoint?.[0] as string;
    const index = openPackIndex({ name, bytes: await world.store.get(name) });
    expect(index.footers.map((footer) => encodePackFooter(footer).toString('hex'))).toEqual(
      packs.map((pack) => pack.tail.footerBytes.toString('hex')),
    );
    expect(parseObjectName(name)).toEqual({ folder: 'index', number: 1n });
  });

  it.each(['preparePoint', 'recordPoint'] as const)(
    'goes on after %s failed and the process died, with one point for the job',
    async (step) => {
      world = await World.create(`crash ${step}`);
      const { alice } = world;
      const { session, job } = await world.backup(alice);
      const data = alice.data('content');
      const root = alice.node('root', [data]);
      await world.upload(session, alice.pack([[data]]));
      await world.upload(session, alice.pack([[root]]));
      world.control.failing.set(step, away);
      await expect(world.commit(session, root.id)).rejects.toMatchObject({ kind: 'Unavailable' });
      world.control.failing.clear();
      world.crash();
      const again = await world.open(alice, world.control.takeOver(job));
      expect(await world.has(again, [root])).toEqual([true]);
      const outcome = await world.commit(again, root.id);
      expect(outcome).toMatchObject({ kind: 'committed' });
      expect([...world.control.points.values()]).toEqual([expect.objectContaining({ recorded: true })]);
      expect(await names('point/')).toHaveLength(1);
    },
  );

  it('answers its repetition in a session that was asked and sent nothing, once the point is stored', async () => {
    world = await World.create('stored');
    const { alice } = world;
    const { session, job } = await world.backup(alice);
    const data = alice.data('content');
    const root = alice.node('root', [data]);
    await world.upload(session, alice.pack([[data]]));
    await world.upload(session, alice.pack([[root]]));
    world.control.failing.set('recordPoint', away);
    await expect(world.commit(session, root.id)).rejects.toBe(away);
    world.crash();
    await expect(world.commit(await world.open(alice, job), root.id)).rejects.toBe(away);
    world.control.failing.clear();
    const first = await world.commit(await world.open(alice, world.control.takeOver(job)), root.id);
    expect(first).toMatchObject({ kind: 'committed' });
    world.crash();
    expect(await world.commit(await world.open(alice, world.control.takeOver(job)), root.id)).toEqual(first);
    // Of another job it proves nothing.
    const other = await world.backup(alice);
    expect(await world.commit(other.session, root.id)).toEqual({ kind: 'missing', ids: root.id });
  });

  it('goes on after a store that failed at each of its writes', async () => {
    world = await World.create('store fails');
    const { alice } = world;
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    const { session } = await world.backup(alice);
    const root = alice.node('root', []);
    await world.upload(session, alice.pack([[root]]));
    for (const folder of ['index/', 'point/']) {
      for (const hook of ['beforeCommit', 'afterCommit'] as const) {
        store[hook] = (name) => {
          if (name.startsWith(folder)) throw away;
        };
        await expect(world.commit(session, root.id)).rejects.toBe(away);
        store[hook] = () => undefined;
      }
    }
    expect(await world.commit(session, root.id)).toMatchObject({ kind: 'committed' });
    expect(await names('point/')).toHaveLength(1);
  });

  it('is refused while uploads of the session are under way', async () => {
    world = await World.create('under way');
    const { alice } = world;
    const store = new FaultyStore(world.store);
    world.visibleStore = store;
    const { session } = await world.backup(alice);
    const root = alice.node('root', []);
    const refusals: unknown[] = [];
    store.beforeCommit = (name) => {
      if (name.startsWith('pack/')) refusals.push(world.commit(session, root.id).catch((error: unknown) => error));
    };
    await world.upload(session, alice.pack([[root]]));
    expect(await refusals[0]).toMatchObject({ kind: 'IllegalState', code: 'UPLOADS_UNDER_WAY' });
  });
});

describe('a session', () => {
  it('is fenced by a newer lease of its job, and by control', async () => {
    world = await World.create('fence');
    const { alice } = world;
    const { session, job } = await world.backup(alice);
    const newer = await world.open(alice, world.control.takeOver(job));
    await expect(world.has(session, [])).rejects.toMatchObject({ code: 'EPOCH_PASSED' });
    expect(() => world.core.sessions.find(alice.agentId, session.id)).toThrowError(
      expect.objectContaining({ code: 'EPOCH_PASSED' }),
    );
    await expect(world.open(alice, job)).rejects.toMatchObject({ kind: 'IllegalState' });
    endSessions(world.core, { jobId: job.jobId, epoch: 1 });
    expect(await world.has(newer, [])).toEqual([]);
    endSessions(world.core, { jobId: job.jobId, epoch: 2 });
    await expect(world.has(newer, [])).rejects.toMatchObject({ code: 'JOB_OVER' });
  });

  it('is known to no other agent', async () => {
    world = await World.create('other agent');
    const { session } = await world.backup(world.alice);
    expect(() => world.core.sessions.find(world.bob.agentId, session.id)).toThrowError(
      expect.objectContaining({ kind: 'NotFound', code: 'SESSION_UNKNOWN' }),
    );
    await expect(world.open(world.bob, session.job)).rejects.toMatchObject({ kind: 'Forbidden' });
  });

  it('ends when nothing was asked of it for ten minutes', async () => {
    world = await World.create('idle');
    const { session } = await world.backup(world.alice);
    await world.clock.advance(9 * 60_000);
    world.core.sessions.find(world.alice.agentId, session.id);
    await world.clock.advance(9 * 60_000);
    expect(world.core.sessions.endIdle()).toBe(0);
    await world.clock.advance(2 * 60_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = session.waitingFor(() => promise);
    expect(world.core.sessions.endIdle()).toBe(0);
    resolve();
    await waiting;
    expect(world.core.sessions.endIdle()).toBe(0);
    await world.clock.advance(world.core.limits.sessionIdleMs + 1);
    expect(world.core.sessions.endIdle()).toBe(1);
    expect(() => world.core.sessions.find(world.alice.agentId, session.id)).toThrowError(
      expect.objectContaining({ code: 'SESSION_IDLE' }),
    );
  });

  it('is one of a limited number per agent', async () => {
    world = await World.create('many', { maxSessionsPerAgent: 2 });
    const { job } = await world.backup(world.alice);
    await world.backup(world.alice);
    await expect(world.backup(world.alice)).rejects.toMatchObject({ kind: 'RateLimited' });
    await world.backup(world.bob);
    // A session of the same job replaces the one before.
    await expect(world.open(world.alice, job)).resolves.toBeDefined();
  });

  it('is not opened again and again by the same agent, for each opening leaves a row', async () => {
    world = await World.create('again', { openSessions: { burst: 3, perSecond: 0.5 } });
    const { job } = await world.backup(world.alice);
    for (let times = 0; times < 2; times += 1) await world.open(world.alice, job);
    await expect(world.open(world.alice, job)).rejects.toMatchObject({ kind: 'RateLimited', code: 'TOO_FAST' });
    await world.backup(world.bob);
    await world.clock.advance(2_000);
    await expect(world.open(world.alice, job)).resolves.toBeDefined();
  });
});
