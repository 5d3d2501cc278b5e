/**
 * Writes the test vectors, or a golden vault, anew:
 *
 *   pnpm exec node --conditions=holdfast-source --import @swc-node/register/esm-register test/compat/renew.ts vectors
 *   … test/compat/renew.ts golden v2
 *
 * A golden vault that was released is never written again: a new format gets a new folder beside it, and
 * golden.test.ts reads them all. So the script refuses a folder that exists. Vectors change only with a
 * new format version, together with docs/design/vault-format.md.
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openLocalStore, SlotKind } from '@holdfast/core/engine';
import { systemRandom } from '@holdfast/core/ids';
import { writeGoldenVault } from './golden-vault.js';
import { GoldenReader } from './read-golden-vault.js';
import { computeVectors } from './vectors.js';

const [what, version] = process.argv.slice(2);
if (what === 'vectors') await renewVectors();
else if (what === 'golden' && version !== undefined && /^v\d+$/.test(version)) await writeGolden(version);
else throw new Error('usage: renew.ts vectors | renew.ts golden v<number>');

async function renewVectors(): Promise<void> {
  const vectors = await computeVectors((bytes) => createHash('sha256').update(bytes).digest());
  for (const [name, content] of Object.entries(vectors)) {
    await writeFile(join(import.meta.dirname, 'vectors', name), toJson(content));
  }
}

async function writeGolden(folder: string): Promise<void> {
  const path = join(import.meta.dirname, 'golden', folder);
  await mkdir(join(import.meta.dirname, 'golden'), { recursive: true });
  await mkdir(path);
  const store = await openLocalStore({
    root: join(path, 'store'),
    owner: 'golden',
    random: systemRandom,
    create: true,
  });
  const keys = await writeGoldenVault(store);
  const trusted = Buffer.from(keys.signingPublicKey, 'hex');
  const reader = await GoldenReader.open(
    store,
    trusted,
    SlotKind.SLOT_KIND_PLATFORM,
    Buffer.from(keys.masterKey, 'hex'),
  );
  const { rootNode } = await reader.point(Buffer.from(keys.pointId, 'hex'));
  await writeFile(join(path, 'keys.json'), toJson(keys));
  await writeFile(join(path, 'expected.json'), toJson(await reader.restore(rootNode)));
}

/** One line per field, and per item of a list. */
function toJson(value: object): string {
  return Array.isArray(value)
    ? `[\n${value.map((item) => `  ${JSON.stringify(item)}`).join(',\n')}\n]\n`
    : `${JSON.stringify(value, null, 2)}\n`;
}
