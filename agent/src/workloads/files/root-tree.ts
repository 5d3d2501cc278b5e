import { isName } from './file-entry.js';

/** What to back up: absolute paths and rules, all as raw bytes (core/path-patterns says what the globs mean). */
export interface FilesDatasource {
  readonly roots: readonly Buffer[];
  /** If any are given, only what matches one of them is taken. */
  readonly include: readonly Buffer[];
  readonly exclude: readonly Buffer[];
  /** Do not enter other file systems below a root; a mount point is kept as an empty directory. */
  readonly oneFileSystem: boolean;
}

export class InvalidRootError extends Error {
  override readonly name = 'InvalidRootError';
}

/** The roots and what leads to them, as a tree of path components (byte strings, one character per byte). */
export interface RootNode {
  readonly children: ReadonlyMap<string, RootNode>;
  readonly isRoot: boolean;
}

interface GrowingNode {
  children: Map<string, GrowingNode>;
  isRoot: boolean;
}

/** Repeated and closing slashes and `.` components mean nothing; `..` is refused, since links decide where it leads. */
export function buildRootTree(roots: readonly Buffer[]): RootNode {
  if (roots.length === 0) throw new InvalidRootError('a datasource needs at least one root');
  const top: GrowingNode = { children: new Map(), isRoot: false };
  for (const root of roots) {
    if (root[0] !== 0x2f) throw new InvalidRootError(`a root must be an absolute path: ${root.toString()}`);
    let node = top;
    for (const part of root.toString('latin1').split('/')) {
      if (part === '' || part === '.') continue;
      if (!isName(Buffer.from(part, 'latin1'))) throw new InvalidRootError(`not a usable root: ${root.toString()}`);
      let child = node.children.get(part);
      if (!child) {
        child = { children: new Map(), isRoot: false };
        node.children.set(part, child);
      }
      node = child;
    }
    node.isRoot = true;
  }
  return top;
}
