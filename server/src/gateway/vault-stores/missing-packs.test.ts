import { packName } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import { afterEach, describe, expect, it } from 'vitest';
import type { TestChunk } from '../testing/uploader.fixture.js';
import { World } from '../testing/world.fixture.js';

let world: World;
afterEach(() => world.remove());

/** Three chunks in a pack each, of a point; two of the packs go. */
async function twoLost(name: string) {
  world = await World.create(name);
  const { alice } = world;
  const { session } = await world.backup(alice);
  const chunks = ['one', 'two', 'three'].map((content) => alice.data(content));
  const packs = chunks.map((chunk) => alice.pack([[chunk]]));
  for (const pack of packs) await world.upload(session, pack);
  const root = alice.node('root', chunks);
  await world.upload(session, alice.pack([[root]]));
  await world.commit(session, root.id);
  for (const { packId } of packs.slice(0, 2)) await world.store.delete(packName(uuidToBytes(packId)));
  const exist = async () => world.has((await world.backup(alice)).session, chunks);
  return { chunks, root, exist };
}

describe('packs that the store has lost', () => {
  it('are all found once one of them is missed, so that the next backup sends everything again', async () => {
    const { chunks, root, exist } = await twoLost('missed');
    expect(await exist()).toEqual([true, true, true]);
    const restore = await world.restore(world.alice, root.id);
    await world.read(restore, [root.id]);
    expect(await world.read(restore, [chunks[0]?.id as Buffer])).toMatchObject([{ kind: 'damaged' }]);
    await expect.poll(exist).toEqual([false, false, true]);
  });

  it('are found when the vault is opened', async () => {
    const { exist } = await twoLost('opened');
    world.crash();
    expect(await exist()).toEqual([false, false, true]);
  });

  it('are not looked for in a store that does not hold the vault, such as a folder whose disk is not mounted', async () => {
    const { exist } = await twoLost('unmounted');
    const { missingPacks } = (await world.backup(world.alice)).session.vault;
    const objects = new Map<string, Buffer>();
    for await (const { name } of world.store.list('')) objects.set(name, await world.store.get(name));
    for (const name of objects.keys()) await world.store.delete(name);
    await missingPacks.look();
    expect(await exist()).toEqual([true, true, true]);
    world.crash();
    await expect(exist()).rejects.toMatchObject({ kind: 'Unavailable', code: 'STORE_EMPTY' });
    for (const [name, bytes] of objects) await world.store.put(name, bytes);
    expect(await exist()).toEqual([false, false, true]);
  });

  it('are found by a look from time to time, which fails for nobody', async () => {
    const { exist } = await twoLost('looked');
    const { missingPacks } = (await world.backup(world.alice)).session.vault;
    await Promise.all([missingPacks.look(), missingPacks.look()]);
    expect(await exist()).toEqual([false, false, true]);
    await missingPacks.look();
    expect(await exist()).toEqual([false, false, true]);
  });

  it('are found beside one of very many chunks', async () => {
    world = await World.create('many chunks');
    const { alice } = world;
    const { session } = await world.backup(alice);
    const frames = Array.from({ length: 17 }, (_, frame) =>
      Array.from({ length: 8_192 }, (_each, place) => alice.data(`${frame} ${place}`)),
    );
    const one = frames[16]?.[8_191] as TestChunk;
    const other = alice.data('other');
    const packs = [alice.pack(frames), alice.pack([[other]])];
    for (const pack of packs) await world.upload(session, pack);
    for (const { packId } of packs) await world.store.delete(packName(uuidToBytes(packId)));
    expect(await world.has(session, [one, other])).toEqual([true, true]);
    await session.vault.missingPacks.look();
    expect(await world.has(session, [one, other])).toEqual([false, false]);
  });
});
