import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** A folder as the kernel of its host tells it from every other, whatever it is called where. */
export interface FolderIdentity {
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly inode: bigint;
}

/** What lets an agent on the same machine know that it is, and what there is not to be backed up. */
export interface OwnHost {
  /** SHA-256 of the kernel's boot id; undefined where there is none. */
  readonly bootIdSha256: Buffer | undefined;
  /** The server's own folders that exist now. */
  folders(): Promise<readonly FolderIdentity[]>;
}

export async function describeOwnHost(paths: readonly string[]): Promise<OwnHost> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined);
  return {
    bootIdSha256: bootId === undefined ? undefined : createHash('sha256').update(bootId.trim()).digest(),
    folders: async () => (await Promise.all(paths.map(identify))).flatMap((found) => found ?? []),
  };
}

async function identify(path: string): Promise<FolderIdentity | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    // As glibc's gnu_dev_major and gnu_dev_minor take a device number apart.
    return {
      deviceMajor: Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n)),
      deviceMinor: Number((dev & 0xffn) | ((dev >> 12n) & 0xffffff00n)),
      inode: ino,
    };
  } catch {
    // A disk that is not mounted has nothing that could be backed up.
    return undefined;
  }
}
