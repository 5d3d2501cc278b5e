/** Paths chosen in a recovery point. A chosen directory stands for everything below it. */
export type Selection = readonly string[];

/** `path` is a directory above `other`. */
function isAbove(path: string, other: string): boolean {
  return path === '/' ? other !== '/' : other.startsWith(`${path}/`);
}

/** `path` is `folder` or lies below it. */
export function liesIn(folder: string, path: string): boolean {
  return path === folder || isAbove(folder, path);
}

/** A path as somebody may type it, as the server writes it: `//srv/` is `/srv`. */
export function plainPath(path: string): string {
  return path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
}

export function isChosen(selection: Selection, path: string): boolean {
  return selection.includes(path);
}

/** A directory above it is chosen, and with it this one. */
export function isCovered(selection: Selection, path: string): boolean {
  return selection.some((each) => isAbove(each, path));
}

/** Something below it is chosen, but not the directory itself. */
export function isPartly(selection: Selection, path: string): boolean {
  return selection.some((each) => isAbove(path, each));
}

/** What lies below a newly chosen directory is chosen with it. */
export function choose(selection: Selection, chosen: readonly string[]): Selection {
  return chosen.reduce<Selection>(
    (all, path) =>
      isChosen(all, path) || isCovered(all, path) ? all : [...all.filter((each) => !isAbove(path, each)), path],
    selection,
  );
}

export function leaveOut(selection: Selection, paths: readonly string[]): Selection {
  return selection.filter((each) => !paths.includes(each));
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** The directory that all of the paths lie in: what naturally comes to lie at a new place. */
export function commonParent(paths: readonly string[]): string {
  const [first, ...rest] = paths.map(parentOf);
  if (first === undefined) return '/';
  let common = first;
  for (const parent of rest) {
    while (common !== '/' && parent !== common && !isAbove(common, parent)) common = parentOf(common);
  }
  return common;
}

/** Where an entry comes to lie when `base` comes to lie at `target`. */
export function mapPath(path: string, base: string, target: string): string {
  const below = base === '/' ? path : path.slice(base.length);
  return `${target === '/' ? '' : target.replace(/\/+$/, '')}${below === '/' ? '' : below}` || '/';
}

/** The steps from the root to a directory, each with its own path. */
export function stepsTo(path: string): ReadonlyArray<{ readonly name: string; readonly path: string }> {
  const names = path.split('/').filter((name) => name !== '');
  return names.map((name, index) => ({ name, path: `/${names.slice(0, index + 1).join('/')}` }));
}
