import { afterEach, describe, expect, it, vi } from 'vitest';
import type { TestChunk, TestPack, Uploader } from '../testing/uploader.fixture.js';
import { World } from '../testing/world.fixture.js';
import type { Session } from './session.js';

let world: World;
afterEach(() => {
  vi.restoreAllMocks();
  world.remove();
});

/** Nodes that each lead to ten chunks which never come. */
function baseless(agent: Uploader, count: number): TestChunk[] {
  return Array.from({ length: count }, (_, node) =>
    agent.node(
      `node ${node}`,
      Array.from({ length: 10 }, (_, edge) => agent.data(`below ${node}, ${edge}`)),
    ),
  );
}

const codeOf = (error: { readonly code: string }): string => error.code;

function countLooks(session: Session): () => number {
  const edgesOf = vi.spyOn(session.vault.index, 'edgesOf');
  return () => edgesOf.mock.calls.length;
}

describe('nodes that wait for what lies below them', () => {
  it('let others have their turn while they are looked at', async () => {
    world = await World.create('turns');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const nodes = baseless(alice, 50);
    await world.upload(session, alice.pack([nodes]));
    let now = 0;
    vi.spyOn(world.clock, 'monotonic').mockImplementation(() => (now += 20));
    let turns = 0;
    const take = (): void => {
      turns += 1;
      waiting = setImmediate(take);
    };
    let waiting = setImmediate(take);
    expect(await world.commit(session, nodes[0]?.id as Buffer)).toMatchObject({ kind: 'missing' });
    clearImmediate(waiting);
    expect(turns).toBeGreaterThan(40);
  });

  it('are looked at for so long per agent when it comes to nothing, whatever the session, and for others as ever', async () => {
    world = await World.create('fruitless', { fruitlessMs: { burst: 3_000, perSecond: 50 } });
    const { alice, bob } = world;
    const nodes = baseless(alice, 20);
    const root = nodes[0]?.id as Buffer;
    const { session } = await world.backup(alice);
    await world.upload(session, alice.pack([nodes]));
    let now = 0;
    const time = vi.spyOn(world.clock, 'monotonic').mockImplementation(() => (now += 5));
    const outcomes: string[] = [];
    while (outcomes.length < 100 && outcomes.at(-1) !== 'TOO_FAST')
      outcomes.push(await world.commit(session, root).then(({ kind }) => kind, codeOf));
    expect(outcomes.slice(0, 3)).toEqual(['missing', 'missing', 'missing']);
    expect(outcomes.at(-1)).toBe('TOO_FAST');
    const other = await world.backup(alice);
    expect(await world.commit(other.session, root).then(({ kind }) => kind, codeOf)).toBe('TOO_FAST');
    // Whether its nodes can be closed now is not looked at for as long.
    const looks = countLooks(other.session);
    expect(await world.has(other.session, nodes)).toEqual(nodes.map(() => false));
    const looked = looks();
    const bobs = await world.backup(bob);
    expect(await world.commit(bobs.session, root)).toMatchObject({ kind: 'missing' });

    now += 60_000;
    time.mockImplementation(() => now);
    expect(await world.commit(session, root)).toMatchObject({ kind: 'missing' });
    expect(await world.has(other.session, nodes)).toEqual(nodes.map(() => false));
    expect(looks()).toBeGreaterThan(looked + 20);
  });

  it('are looked at no further than the missing chunks go that one commit tells of', async () => {
    world = await World.create('limit', { maxMissingPerCommit: 20 });
    const { alice } = world;
    const { session } = await world.backup(alice);
    const nodes = baseless(alice, 50);
    await world.upload(session, alice.pack([nodes]));
    const looks = countLooks(session);
    const outcome = await world.commit(session, nodes[0]?.id as Buffer);
    expect(outcome.kind === 'missing' && outcome.ids.length).toBe(20 * 32);
    expect(looks()).toBe(2);
  });

  it('are taken in once per session, however often their pack is announced', async () => {
    world = await World.create('once');
    const { alice } = world;
    const first = await world.backup(alice);
    const pack: TestPack = alice.pack([baseless(alice, 50)]);
    await world.upload(first.session, pack);
    const { session } = await world.backup(alice);
    const stored = await world.upload(session, pack);
    const before = session.openNodes.weight;
    const looks = countLooks(session);
    for (let times = 0; times < 20; times += 1) expect(await world.upload(session, pack)).toBe(stored);
    expect(looks()).toBe(0);
    expect(session.openNodes.weight).toBe(before);
  });

  it('are taken in by the repetition when the first time failed', async () => {
    world = await World.create('failed');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const root = alice.node('root', []);
    const pack = alice.pack([[root]]);
    vi.spyOn(session.vault.index, 'edgesOf').mockImplementationOnce(() => {
      throw new Error('the disk fails');
    });
    await expect(world.upload(session, pack)).rejects.toThrow('the disk fails');
    await world.upload(session, pack);
    expect(await world.commit(session, root.id)).toMatchObject({ kind: 'committed' });
  });

  it('are so many at a time and no more; data is still taken, and a commit closes what can be closed', async () => {
    world = await World.create('cap', { maxOpenEdgesPerSession: 30 });
    const { alice } = world;
    const { session } = await world.backup(alice);
    const data = ['one', 'two', 'three'].map((each) => alice.data(each));
    const inner = data.map((each) => alice.node('over', [each]));
    await world.upload(session, alice.pack([inner]));
    expect(session.openNodes.weight).toBe(27);
    const root = alice.node('root', inner);
    await world.upload(session, alice.pack([[root]]));
    const more = alice.pack([[alice.node('more', data)]]);
    await expect(world.upload(session, more)).rejects.toMatchObject({
      kind: 'IllegalState',
      code: 'TOO_MANY_OPEN_NODES',
    });
    await world.upload(session, alice.pack([data]));
    expect(await world.commit(session, root.id)).toMatchObject({ kind: 'committed' });
    expect(session.openNodes.weight).toBe(0);
  });
});
