/** Says where a copy of a tree differs from its original, entry by entry. */
import type { EntryDescription } from './describe-tree.js';
import type { Extent } from './native.js';

export interface TreeDifference {
  readonly path: string;
  readonly aspect: string;
  readonly expected: string;
  readonly actual: string;
}

export interface TreeComparison {
  readonly differences: readonly TreeDifference[];
  /** What the running user may not read or set; not counted as a difference. */
  readonly notRestorable: readonly TreeDifference[];
}

export interface DiffOptions {
  /** Owners, devices and privileged attributes can be set: every difference counts. */
  readonly privileged: boolean;
  /** Paths whose own metadata are not compared (the root of a restore of single files). */
  readonly ignoreMetadataOf?: ReadonlySet<string>;
}

/** Holes have the granularity of the file system's blocks. */
const BLOCK = 4096n;

function holesOf(extents: readonly Extent[], size: bigint): string {
  const holes: string[] = [];
  let position = 0n;
  const note = (from: bigint, to: bigint): void => {
    const start = ((from + BLOCK - 1n) / BLOCK) * BLOCK;
    const end = to === size ? to : (to / BLOCK) * BLOCK;
    if (end - start >= BLOCK) holes.push(`${start}-${end}`);
  };
  for (const { offset, end } of extents) {
    if (offset > position) note(position, offset);
    position = end;
  }
  if (size > position) note(position, size);
  return holes.join(',');
}

function attributesOf(entry: EntryDescription, keep: (name: string) => boolean): string {
  return [...entry.attributes]
    .filter(([name]) => keep(name))
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** Attributes that only a privileged process can set. */
function isPrivileged(name: string): boolean {
  return name.startsWith('trusted.') || name.startsWith('security.');
}

function aspects(entry: EntryDescription): Array<[aspect: string, value: string, needsPrivilege: boolean]> {
  return [
    ['mode', entry.kind === 'symlink' ? '' : entry.mode.toString(8), false],
    ['owner', `${entry.uid}:${entry.gid}`, true],
    ['mtime', String(entry.mtimeNs), false],
    ['size', String(entry.size), false],
    ['content', entry.sha256 ?? '', false],
    ['holes', entry.extents === undefined ? '' : holesOf(entry.extents, entry.size), false],
    ['link target', entry.linkTarget ?? '', false],
    ['device', String(entry.device ?? ''), true],
    ['hard links', entry.linkGroup ?? '', false],
    ['attributes', attributesOf(entry, (name) => !isPrivileged(name)), false],
    ['privileged attributes', attributesOf(entry, isPrivileged), true],
  ];
}

/**
 * A group counts only if two of its members stand in the tree, so that links from outside
 * do not matter.
 */
function withinTree(entries: ReadonlyMap<string, EntryDescription>): Map<string, EntryDescription> {
  const members = new Map<string, number>();
  for (const { linkGroup } of entries.values()) {
    if (linkGroup !== undefined) members.set(linkGroup, (members.get(linkGroup) ?? 0) + 1);
  }
  const result = new Map<string, EntryDescription>();
  for (const [path, entry] of entries) {
    const { linkGroup, ...rest } = entry;
    const shared = linkGroup !== undefined && (members.get(linkGroup) ?? 0) > 1;
    result.set(path, shared ? { ...rest, linkGroup } : rest);
  }
  return result;
}

export function diffTrees(
  original: ReadonlyMap<string, EntryDescription>,
  copy: ReadonlyMap<string, EntryDescription>,
  options: DiffOptions,
): TreeComparison {
  const differences: TreeDifference[] = [];
  const notRestorable: TreeDifference[] = [];
  const expectedEntries = withinTree(original);
  const actualEntries = withinTree(copy);

  for (const [path, expected] of expectedEntries) {
    if (expected.unreadable !== undefined && !options.privileged) {
      notRestorable.push({ path, aspect: 'unreadable', expected: expected.unreadable, actual: '' });
      continue;
    }
    const actual = actualEntries.get(path);
    if (actual === undefined) {
      const needsPrivilege = expected.kind.endsWith('device') || expected.kind === 'socket';
      const list = needsPrivilege && !options.privileged ? notRestorable : differences;
      list.push({ path, aspect: 'presence', expected: expected.kind, actual: 'absent' });
      continue;
    }
    if (actual.kind !== expected.kind) {
      differences.push({ path, aspect: 'type', expected: expected.kind, actual: actual.kind });
      continue;
    }
    if (options.ignoreMetadataOf?.has(path)) continue;
    const actualAspects = aspects(actual);
    for (const [index, [aspect, value, needsPrivilege]] of aspects(expected).entries()) {
      const other = actualAspects[index]?.[1] ?? '';
      if (other === value) continue;
      const list = needsPrivilege && !options.privileged ? notRestorable : differences;
      list.push({ path, aspect, expected: value, actual: other });
    }
  }
  for (const [path, entry] of actualEntries) {
    if (!expectedEntries.has(path))
      differences.push({ path, aspect: 'presence', expected: 'absent', actual: entry.kind });
  }
  return { differences, notRestorable };
}
