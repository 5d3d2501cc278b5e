import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';

const KEY_BYTES = 32;
const FORM = /^holdfast-master-key-v1:([A-Za-z0-9_-]{43})\n?$/;

/**
 * The key that every other key of the server is sealed under, from a file that only its owner may read; made
 * at the first start, and only then (`mayCreate`): a catalog without its key cannot be opened, and a new key beside
 * it would hide that. Lives in the control process's memory and nowhere else.
 */
export async function readMasterKey(file: string, random: Random, mayCreate: boolean): Promise<Buffer> {
  const existing = await openForReading(file);
  if (existing !== undefined) return readFrom(existing, file);
  if (!mayCreate) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'MASTER_KEY_MISSING',
      message: `The master key ${file} is gone, but the catalog was made with it. Put the file back; without it no vault can be opened except by its recovery kit.`,
    });
  }
  return create(file, random);
}

async function openForReading(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(file, (cause as NodeJS.ErrnoException).code ?? 'unknown', cause);
  }
}

async function readFrom(handle: FileHandle, file: string): Promise<Buffer> {
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw unusable(file, 'not a file');
    if ((found.mode & 0o077) !== 0) {
      throw unusable(
        file,
        `its mode is 0${(found.mode & 0o777).toString(8)}, so others may read it; run chmod 600 on it, and consider the key known to them`,
      );
    }
    if (found.size > 200) throw unusable(file, 'it is not a master key');
    const match = FORM.exec(await handle.readFile('utf8'));
    if (match?.[1] === undefined) throw unusable(file, 'it is not a master key');
    return Buffer.from(match[1], 'base64url');
  } finally {
    await handle.close();
  }
}

async function create(file: string, random: Random): Promise<Buffer> {
  const key = random.bytes(KEY_BYTES);
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`holdfast-master-key-v1:${key.toString('base64url')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const folder = await open(dirname(file), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (cause) {
    throw unusable(file, (cause as NodeJS.ErrnoException).code ?? 'unknown', cause);
  }
  return key;
}

function unusable(file: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError({
    kind: 'Forbidden',
    code: 'MASTER_KEY_UNUSABLE',
    message: `The master key ${file} cannot be used: ${why}.`,
    cause,
  });
}
