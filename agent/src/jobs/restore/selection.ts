import { HoldfastError } from '@holdfast/core/errors';

/** What of a directory's entries is wanted: all of them, or those of these names. */
export type Selection = 'all' | ReadonlyMap<string, Selection>;

/** The names of an absolute path, as raw bytes. Throws Validation for one that is not absolute, or has `.` or `..`. */
export function namesOfPath(path: Buffer): Buffer[] {
  const names = splitPath(path);
  const strange =
    path[0] !== 0x2f || path.includes(0) || names.some((name) => name.equals(DOT) || name.equals(DOT_DOT));
  if (strange)
    throw new HoldfastError({
      kind: 'Validation',
      code: 'PATH_NOT_ABSOLUTE',
      message: `"${path.toString()}" is not an absolute path.`,
    });
  return names;
}

export function pathOfNames(names: readonly Buffer[]): Buffer {
  return names.length === 0 ? SLASH : Buffer.concat(names.flatMap((name) => [SLASH, name]));
}

/** What is wanted below `base`. Throws Validation for a path outside of it. */
export function planSelection(select: readonly Buffer[], base: readonly Buffer[]): Selection {
  const root: GrowingSelection = { children: new Map(), all: select.length === 0 };
  for (const path of select) {
    const names = namesOfPath(path);
    if (!base.every((name, index) => names[index]?.equals(name))) {
      throw new HoldfastError({
        kind: 'Validation',
        code: 'SELECTION_OUTSIDE_BASE',
        message: `"${path.toString()}" does not lie in the folder that is restored.`,
      });
    }
    let at = root;
    for (const name of names.slice(base.length)) at = childOf(at, name.toString('latin1'));
    at.all = true;
  }
  return settle(root);
}

/** What is wanted of an entry: nothing, or this of what lies below it. */
export function selectEntry(selection: Selection, name: Buffer): Selection | undefined {
  return selection === 'all' ? 'all' : selection.get(name.toString('latin1'));
}

interface GrowingSelection {
  readonly children: Map<string, GrowingSelection>;
  all: boolean;
}

function settle(selection: GrowingSelection): Selection {
  if (selection.all) return 'all';
  return new Map([...selection.children].map(([name, child]) => [name, settle(child)]));
}

function splitPath(path: Buffer): Buffer[] {
  const text = path.toString('latin1');
  return text
    .split('/')
    .filter((name) => name !== '')
    .map((name) => Buffer.from(name, 'latin1'));
}

const SLASH = Buffer.from('/');
const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');

function childOf(selection: GrowingSelection, name: string): GrowingSelection {
  const known = selection.children.get(name);
  if (known !== undefined) return known;
  const child: GrowingSelection = { children: new Map(), all: false };
  selection.children.set(name, child);
  return child;
}
