import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError } from '@holdfast/core/errors';
import { namesOfPath, pathOfNames } from './selection.js';

/**
 * The host's owner may limit where restores write. Links on the way to the target are followed here as the writer follows
 * them; below the target the writer follows none. Throws Forbidden.
 *
 * @param places where something selected comes to lie, relative to the target, as names
 */
export async function checkRestoreRoots(
  roots: readonly string[] | undefined,
  target: Buffer,
  places: readonly (readonly Buffer[])[],
): Promise<void> {
  if (roots !== undefined) await checkOpenedTarget(roots, await resolved(target), places);
}

/**
 * The same for the directory that the writer has opened, by the path that the system gives for it: a link on the way may have been
 * exchanged since the target was checked. Throws Forbidden.
 */
export async function checkOpenedTarget(
  roots: readonly string[] | undefined,
  location: Buffer,
  places: readonly (readonly Buffer[])[],
): Promise<void> {
  if (roots === undefined) return;
  const allowed = await Promise.all(roots.map(async (root) => namesOfPath(await resolved(Buffer.from(root)))));
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

/** The path without links, as far as it exists. */
async function resolved(path: Buffer): Promise<Buffer> {
  const text = path.toString('latin1');
  if (text === '/' || text === '.') return Buffer.from('/');
  try {
    return await realpath(path, { encoding: 'buffer' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const above = await resolved(Buffer.from(dirname(text), 'latin1'));
    const name = text.replace(/\/+$/, '').slice(text.replace(/\/+$/, '').lastIndexOf('/') + 1);
    return Buffer.from(join(above.toString('latin1'), name), 'latin1');
  }
}
