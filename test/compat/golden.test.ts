import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  domainName,
  LogReader,
  MemoryStore,
  type ObjectStore,
  openDomainObject,
  openLocalStore,
  openPackIndex,
  packName,
  parseObjectName,
  parseRecoveryKit,
  readFrame,
  readPackFooter,
  SlotKind,
} from '@holdfast/core/engine';
import { systemRandom } from '@holdfast/core/ids';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GoldenKeys, writeGoldenVault } from './golden-vault.js';
import { GoldenReader, type RestoredEntry } from './read-golden-vault.js';

const golden = join(import.meta.dirname, 'golden');
const versions = (await readdir(golden)).toSorted();

async function namesIn(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.list('')) names.push(name);
  return names;
}

it('there is a golden vault', () => {
  expect(versions).toContain('v1');
});

describe.each(versions)('the golden vault %s', (version) => {
  let copy: string;
  let store: ObjectStore;
  let keys: GoldenKeys;
  let expected: RestoredEntry[];
  let trusted: Buffer;

  beforeAll(async () => {
    // A copy, so that no test can touch the committed files.
    copy = await mkdtemp(join(tmpdir(), 'holdfast-golden-'));
    const from = join(golden, version, 'store');
    for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name).slice(from.length + 1);
      await mkdir(dirname(join(copy, path)), { recursive: true });
      await copyFile(join(from, path), join(copy, path));
    }
    store = await openLocalStore({ root: copy, owner: 'reader', random: systemRandom, create: false });
    keys = JSON.parse(await readFile(join(golden, version, 'keys.json'), 'utf8')) as GoldenKeys;
    expected = JSON.parse(await readFile(join(golden, version, 'expected.json'), 'utf8')) as RestoredEntry[];
    trusted = Buffer.from(keys.signingPublicKey, 'hex');
  });

  afterAll(() => rm(copy, { recursive: true }));

  it.each([
    ['the master key', SlotKind.SLOT_KIND_PLATFORM, () => Buffer.from(keys.masterKey, 'hex')],
    ['the recovery kit', SlotKind.SLOT_KIND_RECOVERY_KIT, () => parseRecoveryKit(keys.recoveryKit)],
  ] as const)('opens with %s and restores byte for byte', async (_, kind, key) => {
    const reader = await GoldenReader.open(store, trusted, kind, key());
    const point = await reader.point(Buffer.from(keys.pointId, 'hex'));
    expect(await reader.restore(point.rootNode)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(1500);
  });

  it('opens with no other key', async () => {
    await expect(
      GoldenReader.open(store, trusted, SlotKind.SLOT_KIND_PLATFORM, Buffer.alloc(32)),
    ).rejects.toMatchObject({ kind: 'WrongKey' });
  });

  it('has a log that holds together, and an index that repeats what its packs say', async () => {
    const log = new LogReader(trusted, Buffer.from(keys.vaultId, 'hex'));
    for await (const { name } of store.list('log/')) log.next({ name, bytes: await store.get(name) });
    expect(log.head.number).toBe(2n);
    const listed: string[] = [];
    for await (const { name } of store.list('index/')) {
      for (const footer of openPackIndex({ name, bytes: await store.get(name) }).footers) {
        expect(await readPackFooter(store, footer.packId)).toEqual(footer);
        for (const entry of footer.frames) await readFrame(store, footer.packId, entry);
        listed.push(packName(footer.packId));
      }
    }
    const names = await namesIn(store);
    expect(listed.toSorted()).toEqual(names.filter((name) => name.startsWith('pack/')));
    for (const name of names) expect(parseObjectName(name), name).toBeDefined();
  });

  it('has the object of an item domain', async () => {
    for await (const { name } of store.list('domain/')) {
      const domain = openDomainObject(trusted, { name, bytes: await store.get(name) });
      expect(domainName(domain.domainId)).toBe(name);
      expect(domain.itemId.length).toBe(16);
    }
  });
});

describe('the present writer', () => {
  it('still writes the objects of the latest golden vault under the same names, and what it writes restores the same', async () => {
    const latest = versions.at(-1) as string;
    const expected = JSON.parse(await readFile(join(golden, latest, 'expected.json'), 'utf8')) as RestoredEntry[];
    const committed = JSON.parse(await readFile(join(golden, latest, 'keys.json'), 'utf8')) as GoldenKeys;
    const store = new MemoryStore();
    const keys = await writeGoldenVault(store);
    expect(keys).toEqual(committed);
    const reader = await GoldenReader.open(
      store,
      Buffer.from(keys.signingPublicKey, 'hex'),
      SlotKind.SLOT_KIND_PLATFORM,
      Buffer.from(keys.masterKey, 'hex'),
    );
    const { rootNode } = await reader.point(Buffer.from(keys.pointId, 'hex'));
    expect(await reader.restore(rootNode)).toEqual(expected);
    // Chunk ids decide what is found again: an upgrade that changes them uploads everything anew.
    const files = await readdir(join(golden, latest, 'store', 'point'));
    const point = await readFile(join(golden, latest, 'store', 'point', files[0] as string));
    expect(point.includes(rootNode)).toBe(true);
    expect((await namesIn(store)).length).toBe(8);
  });
});
