import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FileEntry } from './file-entry.js';
import { NO_FOLDERS, someEntry } from './restore.fixture.js';
import type { ConflictMode } from './restore-conflict.js';
import type { RestoreDirectory } from './restore-directory.js';
import { FileJournal } from './restore-journal.js';
import { RestoreWriter } from './restore-writer.js';

export const NOBODY = 65_534;
export const WITHOUT_OVERWRITE = ['FAIL', 'SKIP', 'KEEP_BOTH'] as const;

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

export const directoryEntry = (name: string, over: Partial<FileEntry> = {}): FileEntry =>
  someEntry({ name: bytes(name), type: 'directory', mode: 0o777, uid: NOBODY, gid: NOBODY, ...over });

export const fileEntry = (name: string, over: Partial<FileEntry> = {}): FileEntry =>
  someEntry({ name: bytes(name), size: 7, ...over });

/** Of what `fileEntry` describes. */
export const content = (): Buffer => bytes('content');

/** A list of rights in which that user is named, as an extended attribute has it. */
export function accessList(user: number, { theirs, group, others } = { theirs: 7, group: 5, others: 5 }): Buffer {
  const entry = (tag: number, permissions: number, id = 0xffffffff) => {
    const packed = Buffer.alloc(8);
    packed.writeUInt16LE(tag, 0);
    packed.writeUInt16LE(permissions, 2);
    packed.writeUInt32LE(id, 4);
    return packed;
  };
  return Buffer.concat([
    Buffer.from([2, 0, 0, 0]),
    ...[entry(1, 7), entry(2, theirs, user), entry(4, group), entry(16, 7), entry(32, others)],
  ]);
}

/** A folder to restore to, and what its restores had to say. */
export class RestoreScene {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-others-'));
  readonly target = path.join(this.dir, 'target');
  readonly notices: string[] = [];

  constructor() {
    fs.chmodSync(this.dir, 0o755);
    fs.mkdirSync(this.target);
  }

  to(...names: string[]): string {
    return path.join(this.target, ...names);
  }

  open(onConflict: ConflictMode, extra: Partial<Parameters<typeof RestoreWriter.open>[0]> = {}): RestoreWriter {
    return RestoreWriter.open({
      target: bytes(this.target),
      onConflict,
      never: NO_FOLDERS,
      onNotice: ({ path: where, message }) =>
        this.notices.push(`${path.relative(this.target, where.toString())}: ${message}`),
      ...extra,
    });
  }

  remove(): void {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The folder is another user's, who may move and not read what root has in it. */
export class FolderOfAnother extends RestoreScene {
  readonly away = path.join(this.dir, 'away');

  constructor() {
    super();
    fs.mkdirSync(this.to('keep'), { mode: 0o700 });
    fs.writeFileSync(this.to('keep/secret'), 'secret', { mode: 0o644 });
    fs.chownSync(this.target, NOBODY, NOBODY);
  }

  journal(): FileJournal {
    return new FileJournal(path.join(this.dir, 'journal'), 'job');
  }

  /** One attempt with a journal, which ends in the middle if `tree` leaves its directories open. */
  async attempt(onConflict: ConflictMode, tree: (root: RestoreDirectory) => Promise<void>, isLast = false) {
    const journal = this.journal();
    const writer = this.open(onConflict, { journal: () => journal });
    journal.begin(writer.isOurs);
    let isFinished = false;
    try {
      await tree(writer.root);
      isFinished = isLast;
    } finally {
      await (isFinished ? writer.finish() : writer.abandon());
      journal.close();
    }
    return writer.counts;
  }

  /** As its owner can. */
  put(name: string, at: string): void {
    fs.renameSync(this.to(at), this.away);
    fs.renameSync(this.to(name), this.to(at));
  }

  secretIn(name: string) {
    const { uid, mode, mtimeMs, ctimeMs } = fs.statSync(this.to(name, 'secret'));
    const folder = fs.statSync(this.to(name));
    return { folder: [folder.uid, folder.mode & 0o7777], secret: [uid, mode, mtimeMs, ctimeMs] };
  }
}
