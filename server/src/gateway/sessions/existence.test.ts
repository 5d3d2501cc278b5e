import { HoldfastError } from '@holdfast/core/errors';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { TestChunk } from '../testing/uploader.fixture.js';
import { World } from '../testing/world.fixture.js';
import { voidAgent } from './void-agent.js';

let world: World;
afterEach(() => world.remove());

/** What somebody who can predict an id might upload under it. */
function garbageUnder(chunk: TestChunk): TestChunk {
  return { ...chunk, content: Buffer.alloc(chunk.content.length, 'x') };
}

describe('whether a chunk exists', () => {
  it('is answered yes for what the same agent uploaded, in this session and in later ones, and no for the rest', async () => {
    world = await World.create('own');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const [one, two] = [alice.data('one'), alice.data('two')];
    expect(await world.has(session, [one, two])).toEqual([false, false]);
    await world.upload(session, alice.pack([[one]]));
    expect(await world.has(session, [one, two])).toEqual([true, false]);
    world.crash();
    const later = await world.backup(alice);
    expect(await world.has(later.session, [two, one])).toEqual([false, true]);
    expect(world.control.verified).toEqual([]);
  });

  it('is answered yes for nodes that the agent left open when its session was lost, once all below them was claimed', async () => {
    world = await World.create('left open');
    const { alice, bob } = world;
    const { session, job } = await world.backup(alice);
    const [data, absent] = [alice.data('data'), alice.data('absent')];
    const inner = alice.node('inner', [data]);
    const root = alice.node('root', [inner]);
    const guess = alice.node('guess', [absent]);
    // Nodes first, so that none of them can be closed as it comes.
    await world.upload(session, alice.pack([[root, inner, guess]]));
    await world.upload(session, alice.pack([[data]]));
    world.crash();
    const again = await world.open(alice, job);
    expect(await world.has(again, [root, inner])).toEqual([false, false]);
    expect(await world.has(again, [root, inner, guess, data])).toEqual([true, true, false, true]);
    expect(await world.commit(again, root.id)).toMatchObject({ kind: 'committed' });
    const { session: bobs } = await world.backup(bob);
    expect(await world.has(bobs, [data, guess])).toEqual([true, false]);
  });

  it('is told to nobody who asks with the id instead of the claim', async () => {
    world = await World.create('claim');
    const { root, data } = await world.commitTree(world.alice, ['plans']);
    const { session } = await world.backup(world.bob);
    const asIds = [root, ...data].map((chunk) => ({ ...chunk, claim: chunk.id }));
    expect(await world.has(session, asIds)).toEqual([false, false]);
  });

  it('is looked up once however often one question asks', async () => {
    world = await World.create('repeated');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const [one, two] = [alice.data('one'), alice.data('two')];
    await world.upload(session, alice.pack([[two]]));
    const lookup = vi.spyOn(session.vault.index, 'lookup');
    const asked = Array.from({ length: 1_000 }, (_, place) => (place % 3 === 0 ? two : one));
    expect(await world.has(session, asked)).toEqual(asked.map((chunk) => chunk === two));
    expect(lookup.mock.calls.map(([ids]) => ids.length)).toEqual([64]);
  });

  it("takes another agent's copies only after control has verified them, each pack once", async () => {
    world = await World.create('others');
    const { data } = await world.commitTree(world.alice, ['one', 'two']);
    const { session } = await world.backup(world.bob);
    const chunks = [...data, world.bob.data('three')];
    const answers = await Promise.all([
      world.has(session, chunks),
      world.has(session, chunks),
      world.has(session, chunks),
    ]);
    expect(answers).toEqual([
      [true, true, false],
      [true, true, false],
      [true, true, false],
    ]);
    expect(world.control.verified).toHaveLength(1);
    world.crash();
    const later = await world.backup(world.bob);
    expect(await world.has(later.session, chunks)).toEqual([true, true, false]);
    expect(world.control.verified).toHaveLength(1);
  });

  it('shares small chunks and nodes across agents, and hands out nothing of what lies beside them', async () => {
    world = await World.create('neighbours');
    const { alice, bob } = world;
    const { session: theirs } = await world.backup(alice);
    const [known, secret, large] = [alice.data('known to all'), alice.data('secret'), alice.data('large')];
    const [tree, beside] = [alice.node('tree', [known, large]), alice.node('beside', [secret])];
    await world.upload(theirs, alice.pack([[secret, known], [large]]));
    await world.upload(theirs, alice.pack([[beside, tree]]));
    const all = alice.node('all', [tree, beside]);
    await world.upload(theirs, alice.pack([[all]]));
    await world.commit(theirs, all.id);

    const { session } = await world.backup(bob);
    expect(await world.has(session, [known, large, tree])).toEqual([true, true, true]);
    const own = bob.node('own', [tree]);
    await world.upload(session, bob.pack([[own]]));
    expect(await world.commit(session, own.id)).toMatchObject({ kind: 'committed' });

    const restore = await world.restore(bob, own.id);
    await world.read(restore, [own.id]);
    expect(world.contents(await world.read(restore, [tree.id]))).toEqual(['tree']);
    expect(world.contents(await world.read(restore, [known.id, large.id]))).toEqual(['known to all', 'large']);
    expect(world.control.cuts).toEqual([
      { of: 2, wanted: 1 },
      { of: 2, wanted: 1 },
    ]);
    // Whoever has a point of hers restored has her frames, wherever it is restored to.
    const moved = await world.restore(bob, all.id, alice);
    for (const node of [all, tree]) await world.read(moved, [node.id]);
    expect(world.contents(await world.read(moved, [known.id]))).toEqual(['secret', 'known to all']);
    expect(world.control.cuts).toHaveLength(2);
  });

  it('hands out a frame of another agent whole where all of it lies below the point', async () => {
    world = await World.create('equal hosts');
    const { alice, bob } = world;
    const { root, data } = await world.commitTree(alice, ['one', 'two']);
    const { session } = await world.backup(bob);
    expect(await world.has(session, [root])).toEqual([true]);
    const own = bob.node('own', [root]);
    await world.upload(session, bob.pack([[own]]));
    await world.commit(session, own.id);
    const restore = await world.restore(bob, own.id);
    for (const node of [own, root]) await world.read(restore, [node.id]);
    expect(world.contents(await world.read(restore, [data[1]?.id as Buffer]))).toEqual(['one', 'two']);
    expect(world.control.cuts).toEqual([]);
  });

  it('takes another copy of a frame to cut from, where one is damaged', async () => {
    world = await World.create('cut damaged');
    const { alice, bob, carol } = world;
    const [known, secret] = [alice.data('known to all'), alice.data('secret')];
    const { session: theirs } = await world.backup(alice);
    const first = alice.pack([[secret, known]]);
    await world.upload(theirs, first);
    const { session } = await world.backup(bob);
    expect(await world.has(session, [known])).toEqual([true]);
    const own = bob.node('own', [known]);
    await world.upload(session, bob.pack([[own]]));
    await world.commit(session, own.id);
    const { session: third } = await world.backup(carol);
    await world.upload(third, carol.pack([[carol.data('other'), known]]));
    expect(await world.has((await world.backup(bob)).session, [carol.data('other')])).toEqual([true]);
    await world.damage(first.packId);
    const restore = await world.restore(bob, own.id);
    await world.read(restore, [own.id]);
    expect(world.contents(await world.read(restore, [known.id]))).toEqual(['known to all']);
  });

  it('is no for garbage under a predicted id, and the garbage harms neither backup nor restore of others', async () => {
    world = await World.create('poison');
    const { alice, bob } = world;
    const wanted = alice.data('the real content');
    const evil = await world.backup(bob);
    await world.upload(evil.session, bob.pack([[garbageUnder(wanted)]]));

    const { root } = await world.commitTree(alice, ['something else']);
    const { session } = await world.backup(alice);
    expect(await world.has(session, [wanted])).toEqual([false]);
    const tree = alice.node('tree', [wanted, root]);
    await world.upload(session, alice.pack([[wanted]]));
    await world.upload(session, alice.pack([[tree]]));
    expect(await world.has(session, [root])).toEqual([true]);
    expect(await world.commit(session, tree.id)).toMatchObject({ kind: 'committed' });

    const restore = await world.restore(alice, tree.id);
    await world.read(restore, [tree.id]);
    expect(world.contents(await world.read(restore, [wanted.id]))).toEqual(['the real content']);
    expect(await world.has(evil.session, [wanted])).toEqual([true]);
    await world.clock.advance(1);
    expect(world.control.incidents).toEqual([
      {
        agentId: bob.agentId,
        kind: 'verifyCopy',
        reason: 'CONTENT_IS_NOT_ITS_ID',
        vaultId: world.vault.vaultId,
        count: 1,
      },
    ]);
  });

  it('is answered rightly behind more copies than a look-up tells of, and so are commits and restores', async () => {
    world = await World.create('crowd');
    const { alice, bob } = world;
    const wanted = alice.data('the real content');
    const evil = await world.backup(bob);
    for (let times = 0; times < 20; times += 1) await world.upload(evil.session, bob.pack([[garbageUnder(wanted)]]));
    const { session } = await world.backup(alice);
    world.control.failing.set(
      'verifyFrames',
      new HoldfastError({ kind: 'Unavailable', code: 'GONE', message: 'Gone.' }),
    );
    expect(await world.has(session, [wanted])).toEqual([false]);
    const own = alice.pack([[wanted]]);
    await world.upload(session, own);
    expect(await world.has(session, [wanted])).toEqual([true]);
    const tree = alice.node('tree', [wanted]);
    await world.upload(session, alice.pack([[tree]]));
    expect(await world.commit(session, tree.id)).toMatchObject({ kind: 'committed' });

    const restore = await world.restore(alice, tree.id);
    await world.read(restore, [tree.id]);
    // As a restore does that finds the content to be another.
    const avoid: string[] = [];
    for (;;) {
      const [part] = await world.read(restore, [wanted.id], avoid);
      if (part?.kind !== 'frame') break;
      avoid.push(part.pack.id);
    }
    expect(avoid[0]).toBe(own.packId);
    expect(new Set(avoid).size).toBe(21);
  });

  it('stays no, without an error, while control cannot verify', async () => {
    world = await World.create('control away');
    const { data } = await world.commitTree(world.alice, ['one']);
    const { session } = await world.backup(world.bob);
    world.control.failing.set(
      'verifyFrames',
      new HoldfastError({ kind: 'Unavailable', code: 'GONE', message: 'Gone.' }),
    );
    expect(await world.has(session, data)).toEqual([false]);
    world.control.failing.clear();
    expect(await world.has(session, data)).toEqual([true]);
  });

  it("is yes for another agent's node only when everything below it is verified too", async () => {
    world = await World.create('nodes');
    const { alice, bob } = world;
    const good = await world.commitTree(alice, ['one', 'two']);
    const { session: theirs } = await world.backup(alice);
    const leaf = alice.data('three');
    const poisoned = alice.node('poisoned', [leaf]);
    await world.upload(theirs, alice.pack([[garbageUnder(leaf)]]));
    await world.upload(theirs, alice.pack([[poisoned]]));
    await world.commit(theirs, poisoned.id);

    const { session } = await world.backup(bob);
    expect(await world.has(session, [good.root])).toEqual([true]);
    expect(await world.has(session, [poisoned, leaf])).toEqual([false, false]);
    // Once a sound copy of the leaf is verified, the node that was good by itself counts.
    const { session: again } = await world.backup(bob);
    await world.upload(again, bob.pack([[leaf]]));
    const { session: third } = await world.backup(alice);
    expect(await world.has(third, [leaf])).toEqual([true]);
    expect(await world.has(again, [poisoned])).toEqual([true]);
  });

  it('is no for unverified copies of a revoked agent, and stays yes for verified ones', async () => {
    world = await World.create('revoked');
    const first = await world.commitTree(world.alice, ['one']);
    const { session } = await world.backup(world.bob);
    expect(await world.has(session, first.data)).toEqual([true]);
    const { session: open } = await world.backup(world.alice);
    const late = world.alice.data('late');
    await world.upload(open, world.alice.pack([[late]]));

    world.core.vaults.expect([world.vault]);
    voidAgent(world.core, world.alice.agentId);
    expect(await world.has(session, [...first.data, late])).toEqual([true, false]);
    await expect(world.has(open, [late])).rejects.toMatchObject({ kind: 'Forbidden', code: 'AGENT_REVOKED' });
    world.crash();
    await expect(world.backup(world.alice)).rejects.toMatchObject({ kind: 'Forbidden' });
    const later = await world.backup(world.bob);
    expect(await world.has(later.session, [...first.data, late])).toEqual([true, false]);
  });

  it('refuses questions that are malformed or too long', async () => {
    world = await World.create('malformed', { maxClaimsPerQuestion: 2 });
    const { session } = await world.backup(world.alice);
    const three = ['a', 'b', 'c'].map((each) => world.alice.data(each));
    await expect(world.has(session, three)).rejects.toMatchObject({ kind: 'Validation' });
    await expect(world.has(session, [{ ...world.alice.data('a'), claim: Buffer.alloc(31) }])).rejects.toMatchObject({
      kind: 'Validation',
    });
  });
});
