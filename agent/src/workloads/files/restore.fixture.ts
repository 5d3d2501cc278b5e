import type { Notice } from '../notice.js';
import { type FileContent, fileRefOf, openFileContent } from './file-content.js';
import { type FileEntry, joinPath, type ScannedEntry } from './file-entry.js';
import { FolderSet } from './folder-set.js';
import { type NewFile, type NewFileResult, type NewFileWriters, writeNewFile } from './new-file.js';
import type { ConflictMode } from './restore-conflict.js';
import type { RestoreDirectory } from './restore-directory.js';
import { RestoreWriter } from './restore-writer.js';
import { walkFiles } from './walk.js';
import type { ContentSource } from './write-content.js';

export const NO_FOLDERS = new FolderSet([], []);

export interface Copied {
  readonly notices: Notice[];
  readonly counts: { restored: number; skipped: number; failed: number; notRestorable: number };
}

/** Makes files later, as another thread does. */
export class LaterWriters implements NewFileWriters {
  files = 0;

  async write(file: NewFile): Promise<NewFileResult> {
    this.files += 1;
    await new Promise((resolve) => setImmediate(resolve));
    return writeNewFile(file);
  }
}

/** Restores a tree straight from a walk, as a backup and a restore would with everything between them left out. */
export async function copyTree(
  source: Buffer,
  target: Buffer,
  onConflict: ConflictMode = 'FAIL',
  select: (path: Buffer) => boolean = () => true,
  writers?: NewFileWriters,
): Promise<Copied> {
  const notices: Notice[] = [];
  const settled = { restored: 0, skipped: 0 };
  const datasource = { roots: [source], include: [], exclude: [], oneFileSystem: false };
  let writer: RestoreWriter | undefined;
  const open: (RestoreDirectory | undefined)[] = [];
  const running: Promise<unknown>[] = [];
  try {
    for await (const { events, done } of walkFiles(datasource, { never: [], now: Date.now })) {
      for (const event of events) {
        if (event.kind === 'notice') notices.push(event.notice);
        else if (event.kind === 'enterDirectory') {
          if (!writer && event.path.equals(source)) {
            writer = RestoreWriter.open({
              never: NO_FOLDERS,
              target,
              onConflict,
              base: event.entry,
              onNotice: (notice) => notices.push(notice),
              onSettled: (outcome) => settled[outcome]++,
              ...(writers && { writers }),
            });
            open.push(writer.root);
          } else if (writer) open.push(open.at(-1)?.directory(event.entry));
        } else if (event.kind === 'leaveDirectory') open.pop()?.leave();
        else if (
          event.kind === 'entry' &&
          event.entry.parent &&
          select(joinPath(event.entry.parent.path, event.entry.name))
        ) {
          const directory = open.at(-1);
          if (directory) running.push(restoreEntry(directory, event.entry));
        }
      }
      await Promise.all(running.splice(0));
      done();
    }
    if (!writer) throw new Error('the source was not walked');
    const counts = { ...(await writer.finish()) };
    if (counts.skipped !== settled.skipped || counts.restored !== settled.restored)
      throw new Error('not every entry was told of');
    return { notices, counts };
  } catch (error) {
    await Promise.allSettled(running);
    await writer?.abandon();
    throw error;
  }
}

async function restoreEntry(directory: RestoreDirectory, entry: ScannedEntry): Promise<unknown> {
  if (entry.type !== 'file') return directory.special(entry);
  return directory.file(entry, () => contentOf(entry));
}

function contentOf(entry: ScannedEntry): ContentSource {
  const content = openFileContent(fileRefOf(entry), Date.now);
  if (content.hasHoles || entry.size > 1 << 20) {
    return (async function* () {
      try {
        yield* blocksOf(content, 1 << 18);
      } finally {
        content.close();
      }
    })();
  }
  try {
    const data = Buffer.alloc(content.size);
    return data.subarray(0, content.read(data, 0));
  } finally {
    content.close();
  }
}

/** The data of all extents in order, in blocks of at most `blockBytes`; ends early if the file shrank. */
export function* blocksOf(
  content: FileContent,
  blockBytes: number,
): Generator<{ readonly offset: number; readonly data: Buffer }, void, void> {
  for (const { offset, length } of content.extents) {
    for (let at = 0; at < length; at += blockBytes) {
      const data = Buffer.alloc(Math.min(blockBytes, length - at));
      const got = content.read(data, offset + at);
      if (got > 0) yield { offset: offset + at, data: data.subarray(0, got) };
      if (got < data.length) return;
    }
  }
}

/** An entry for tests that restore what no file system gave. */
export function someEntry(overrides: Partial<FileEntry> & { name: Buffer }): FileEntry {
  return {
    type: 'file',
    mode: 0o644,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    mtimeNs: 1_000_000_001n,
    xattrs: [],
    size: 0,
    ...overrides,
  };
}
