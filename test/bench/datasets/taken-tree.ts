/** A tree of real files: a copy of what the machine has, up to a number of bytes and files. */
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

export interface TreeLimit {
  readonly bytes: number;
  readonly files: number;
}

export interface TakenTree {
  files: number;
  bytes: number;
}

/** Copies regular files, folders and symbolic links of `from` in name order until a limit is reached. */
export async function takeTree(from: string, to: string, limit: TreeLimit, signal: AbortSignal): Promise<TakenTree> {
  const taken: TakenTree = { files: 0, bytes: 0 };
  await takeFolder(from, to, limit, taken, signal);
  return taken;
}

async function takeFolder(
  from: string,
  to: string,
  limit: TreeLimit,
  taken: TakenTree,
  signal: AbortSignal,
): Promise<void> {
  const names = readable(() => fs.readdirSync(from, { encoding: 'buffer' }));
  const stats = fs.lstatSync(from);
  fs.mkdirSync(to, { recursive: true });
  for (const bytes of names?.sort(Buffer.compare) ?? []) {
    signal.throwIfAborted();
    const name = bytes.toString('utf8');
    // A name that is not UTF-8 cannot be said in a string.
    if (!Buffer.from(name).equals(bytes)) continue;
    await takeEntry(path.join(from, name), path.join(to, name), limit, taken, signal);
  }
  fs.chmodSync(to, stats.mode & 0o7777);
  fs.utimesSync(to, stats.atimeMs / 1000, stats.mtimeMs / 1000);
}

async function takeEntry(from: string, to: string, limit: TreeLimit, taken: TakenTree, signal: AbortSignal) {
  const stats = fs.lstatSync(from);
  if (stats.isDirectory()) {
    if (taken.files < limit.files && taken.bytes < limit.bytes) await takeFolder(from, to, limit, taken, signal);
  } else if (stats.isSymbolicLink()) {
    fs.symlinkSync(fs.readlinkSync(from), to);
  } else if (stats.isFile() && taken.files < limit.files && taken.bytes + stats.size <= limit.bytes) {
    if (!copyIfReadable(from, to)) return;
    fs.chmodSync(to, (stats.mode & 0o7777) | 0o400);
    fs.utimesSync(to, stats.atimeMs / 1000, stats.mtimeMs / 1000);
    taken.files += 1;
    taken.bytes += stats.size;
    // Lets a Ctrl-C in.
    if (taken.files % 100 === 0) await turn();
  }
}

function copyIfReadable(from: string, to: string): boolean {
  return (
    readable(() => {
      fs.copyFileSync(from, to);
      return true;
    }) ?? false
  );
}

/** What the running user may not read is left out. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}
