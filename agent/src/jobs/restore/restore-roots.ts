import fs from 'node:fs';
import { HoldfastError } from '@holdfast/core/errors';
import { findFolder, locationOf, UntrustedLinkError } from '../../platform/target-folder.js';
import { namesOfPath, pathOfNames } from './selection.js';

/**
 * The host's owner may limit where restores write. Links on the way to the target are followed here as the writer follows
 * them; below the target the writer follows none. Throws Forbidden, and an `UntrustedLinkError` also where there are no limits.
 *
 * @param places where something selected comes to lie, relative to the target, as names
 */
export function checkRestoreRoots(
  roots: readonly string[] | undefined,
  target: Buffer,
  places: readonly (readonly Buffer[])[],
): void {
  checkTargetLocation(roots, located(target), places);
}

/**
 * The same for the folder that the writer has found or opened, by the path that the system gives for it: what is on the way may have been
 * exchanged since the target was checked. Throws Forbidden.
 */
export function checkTargetLocation(
  roots: readonly string[] | undefined,
  location: Buffer,
  places: readonly (readonly Buffer[])[],
): void {
  if (roots === undefined) return;
  const allowed = roots.flatMap(namesOfRoot);
  const real = namesOfPath(location);
  for (const place of places) {
    const whole = [...real, ...place];
    if (!allowed.some((root) => root.every((name, index) => whole[index]?.equals(name)))) {
      throw new HoldfastError({
        kind: 'Forbidden',
        code: 'RESTORE_ROOT_FORBIDDEN',
        message: `This host does not allow restores to ${pathOfNames(whole).toString()}.`,
      });
    }
  }
}

/** None for a root that somebody else leads where they like. */
function namesOfRoot(root: string): Buffer[][] {
  try {
    return [namesOfPath(located(Buffer.from(root)))];
  } catch (error) {
    if (error instanceof UntrustedLinkError) return [];
    throw error;
  }
}

/** The path without links, as far as it exists. */
function located(path: Buffer): Buffer {
  const found = findFolder(path);
  try {
    return locationOf(found);
  } finally {
    fs.closeSync(found.fd);
  }
}
