import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Files large and small, folders, links and holes. */
export function fillSample(folder: string, files = 40): void {
  const at = (...names: string[]): string => join(folder, ...names);
  for (const folder of ['a', 'b/deep/er', 'empty']) mkdirSync(at(folder), { recursive: true });
  for (let index = 0; index < files; index++) writeFileSync(at('a', `small-${index}`), randomBytes(200 + index * 37));
  writeFileSync(at('b/deep/er/text'), 'the same line again and again\n'.repeat(4_000));
  writeFileSync(at('b/large'), randomBytes(3 * MIB));
  writeFileSync(at('nothing'), '');
  writeFileSync(at('sparse'), '');
  truncateSync(at('sparse'), 2 * MIB);
  appendFileSync(at('sparse'), randomBytes(100 * KIB));
  linkSync(at('a/small-1'), at('b/linked'));
  symlinkSync('../a/small-2', at('b/symbolic'));
  lutimesSync(at('b/symbolic'), 1_000, 2_000);
  settle(folder);
}

/** Times long past: a stamp of this very moment would rightly not be trusted. */
export function settle(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (name.isFile()) utimesSync(join(name.parentPath, name.name), 1_600_000_000, 1_600_000_000.25);
  }
}
