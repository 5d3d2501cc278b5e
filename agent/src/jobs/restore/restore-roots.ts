import fs from 'node:fs';
import { HoldfastError } from '@holdfast/core/errors';
import { errorCode, isExhaustion, reasonOf } from '../../platform/posix-error.js';
import { findFolder, locationOf, UntrustedLinkError } from '../../platform/target-folder.js';
import { namesOfPath, pathOfNames } from './selection.js';

export type IgnoredRoot = (root: string, reason: string) => void;

/**
 * The host's owner may limit where restores write. Links on the way to the target are followed here as the writer follows
 * them; below the target the writer follows none. Throws Forbidden, and an `UntrustedLinkError` also where there are no limits.
 *
 * @param places where something selected comes to lie, relative to the target, as names
 * @param onIgnored told of each root that counts as none, and why
 */
export function checkRestoreRoots(
  roots: readonly string[] | undefined,
  target: Buffer,
  places: readonly (readonly Buffer[])[],
  onIgnored: IgnoredRoot = () => undefined,
): void {
  checkLocation(roots, located(target), places, onIgnored);
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
  checkLocation(roots, location, places, () => undefined);
}

function checkLocation(
  roots: readonly string[] | undefined,
  location: Buffer,
  places: readonly (readonly Buffer[])[],
  onIgnored: IgnoredRoot,
): void {
  if (roots === undefined) return;
  const allowed = roots.flatMap((root) => namesOfRoot(root, onIgnored));
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

/** None for a root that cannot be found, or that somebody else leads where they like: the others stay what they are. */
function namesOfRoot(root: string, onIgnored: IgnoredRoot): Buffer[][] {
  try {
    return [namesOfPath(located(Buffer.from(root)))];
  } catch (error) {
    const code = errorCode(error);
    const isOfRoot = error instanceof UntrustedLinkError || (code !== undefined && !isExhaustion(code));
    if (!isOfRoot) throw error;
    onIgnored(root, reasonOf(error));
    return [];
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
