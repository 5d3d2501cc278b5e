import { HoldfastError } from '@holdfast/core/errors';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { GatewayLimits } from '../limits.js';
import type { TestChunk, TestPack } from '../testing/uploader.fixture.js';
import { World } from '../testing/world.fixture.js';

let world: World;
afterEach(() => world.remove());

const verifiedPacks = () => world.control.verified.map(({ packId }) => packId);

/** A file that alice's point has of bob's pack, which control called good. */
async function reliedOn(name: string, sealKey?: Buffer, limits?: Partial<GatewayLimits>) {
  world = await World.create(name, limits);
  const { alice, bob, control } = world;
  const file = alice.data('guessed');
  const foreign = bob.pack([[file]], sealKey && { sealKey });
  control.misjudged.add(foreign.packId);
  await world.upload((await world.backup(bob)).session, foreign);
  const { session } = await world.backup(alice);
  expect(await world.has(session, [file])).toEqual([true]);
  const root = alice.node('root', [file]);
  await world.upload(session, alice.pack([[root]]));
  expect(await world.commit(session, root.id)).toMatchObject({ kind: 'committed' });
  return { file, foreign, root };
}

async function complain(root: TestChunk, file: TestChunk, of: readonly TestPack[], by = world.alice): Promise<void> {
  const restore = await world.restore(by, root.id, world.alice);
  await world.read(restore, [root.id]);
  await world.read(
    restore,
    [file.id],
    of.map(({ packId }) => packId),
  );
  await world.clock.advance(1);
}

const exists = async (chunk: TestChunk) => {
  const { alice, bob, carol } = world;
  const answers = [];
  for (const agent of [alice, bob, carol])
    answers.push(...(await world.has((await world.backup(agent)).session, [chunk])));
  return answers;
};

describe('a complaint of a restore about a copy whose stored bytes are what came', () => {
  it('has control open the copy once more, and what it does not open counts for nobody and is told of', async () => {
    const { file, foreign, root } = await reliedOn('opened again', Buffer.alloc(32, 9));
    const { alice, bob, control } = world;
    control.misjudged.clear();
    const known = (await world.backup(alice)).session.vault.index.damageKnownTo(alice.agentId);
    expect(await exists(file)).toEqual([true, true, true]);
    await complain(root, file, [foreign]);
    expect(verifiedPacks()).toEqual([foreign.packId, foreign.packId]);
    await vi.waitFor(async () => expect(await exists(file)).toEqual([false, false, false]));
    await world.clock.advance(1);
    expect(control.incidents).toMatchObject([
      { agentId: bob.agentId, kind: 'verifyCopy', reason: 'CONTENT_IS_NOT_ITS_ID' },
    ]);
    const { session } = await world.backup(alice);
    // So that also those who would not read all their files do.
    expect(session.vault.index.damageKnownTo(alice.agentId)).not.toEqual(known);
  });

  it('keeps a copy that control does open from counting for that agent alone, whose next full backup heals it, also after a restart', async () => {
    const { file, foreign, root } = await reliedOn('still good');
    const { alice, control } = world;
    await complain(root, file, [foreign]);
    expect(verifiedPacks()).toEqual([foreign.packId, foreign.packId]);
    world.crash();
    expect(await exists(file)).toEqual([false, true, true]);
    expect(control.incidents).toEqual([]);

    const { session } = await world.backup(alice);
    const own = alice.pack([[file]]);
    await world.upload(session, own);
    expect(await world.has(session, [root, file])).toEqual([true, true]);
    expect(await world.commit(session, root.id)).toMatchObject({ kind: 'committed' });
    expect(await exists(file)).toEqual([true, true, true]);
    const restore = await world.restore(alice, root.id);
    await world.read(restore, [root.id]);
    expect(world.contents(await world.read(restore, [file.id], [foreign.packId]))).toEqual(['guessed']);
  });

  it('of another host counts for the agent that made the point too, but not against what that agent sent itself', async () => {
    const { file, foreign, root } = await reliedOn('another host');
    const { alice, bob, carol } = world;
    await complain(root, file, [foreign], carol);
    expect(await exists(file)).toEqual([false, true, false]);
    const own = alice.pack([[file]]);
    await world.upload((await world.backup(alice)).session, own);
    await complain(root, file, [foreign, own], carol);
    await complain(root, file, [foreign, own], bob);
    expect(await exists(file)).toEqual([true, false, false]);
  });

  it('has control open no pack twice, nor more packs than one agent has room for', async () => {
    const { file, foreign, root } = await reliedOn('paced', undefined, {
      secondLooks: { burst: 1, perSecond: 0.001 },
    });
    const { bob, carol } = world;
    const another = carol.pack([[file]]);
    await world.upload((await world.backup(carol)).session, another);
    const before = verifiedPacks().length;
    for (let time = 0; time < 3; time += 1) await complain(root, file, [foreign]);
    expect(verifiedPacks().slice(before)).toEqual([foreign.packId]);
    await complain(root, file, [another]);
    expect(verifiedPacks().slice(before)).toEqual([foreign.packId]);
    await complain(root, file, [another], bob);
    expect(verifiedPacks().slice(before)).toEqual([foreign.packId, another.packId]);
  });

  it('is heard again when control could not be asked', async () => {
    const { file, foreign, root } = await reliedOn('away', Buffer.alloc(32, 9));
    const { control } = world;
    control.misjudged.clear();
    control.failing.set('verifyFrames', new HoldfastError({ kind: 'Unavailable', code: 'GONE', message: 'Gone.' }));
    await complain(root, file, [foreign]);
    expect(await exists(file)).toEqual([false, true, true]);
    control.failing.clear();
    await complain(root, file, [foreign]);
    await vi.waitFor(async () => expect(await exists(file)).toEqual([false, false, false]));
  });
});
