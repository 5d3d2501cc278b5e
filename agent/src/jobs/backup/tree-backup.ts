import { DirectoryBuilder } from '@holdfast/core/engine';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import { errorCode, reasonOf } from '../../platform/posix-error.js';
import type { ChangeCacheCursor } from '../../workloads/files/change-cache-reader.js';
import { isUnchanged } from '../../workloads/files/change-cache-reader.js';
import type { ChangeCacheWriter } from '../../workloads/files/change-cache-writer.js';
import type { FileContent } from '../../workloads/files/file-content.js';
import type { ScannedEntry } from '../../workloads/files/file-entry.js';
import { entryPath } from '../../workloads/files/file-entry.js';
import { sameStamp } from '../../workloads/files/scan-entry.js';
import type { WalkEvent } from '../../workloads/files/walk.js';
import type { NoticeKind } from '../job.js';
import type { JobRun } from '../job-run.js';
import type { Defect } from '../tree-entries.js';
import { toTreeEntry } from '../tree-entries.js';
import type { ChunkIntake } from './chunk-intake.js';
import type { FileReader, ReadFile } from './file-reader.js';
import type { StoredContent } from './stored-content.js';
import { decodeReference, encodeReference } from './stored-content.js';

export interface TreeBackupPorts {
  readonly run: JobRun;
  readonly intake: ChunkIntake;
  readonly reader: FileReader;
  /** Throws what the system says. */
  readonly open: (entry: ScannedEntry) => FileContent;
  /** What to compare with, in lockstep with the walk. */
  readonly cursor: ChangeCacheCursor | undefined;
  readonly draft: ChangeCacheWriter;
}

interface OpenDirectory {
  readonly entry: ScannedEntry;
  readonly unreadable: boolean;
  readonly builder: DirectoryBuilder;
  entries: number;
}

const noticeKinds = { unreadable: 'UNREADABLE', vanished: 'VANISHED', changedWhileRead: 'CHANGED_WHILE_READ' } as const;

/** Turns the events of one walk into nodes, bottom up, and everything below them into chunks. */
export class TreeBackup {
  private readonly stack: OpenDirectory[] = [];
  private readonly hardLinks = new Map<string, ReadFile>();
  private root: Buffer | undefined;

  constructor(private readonly ports: TreeBackupPorts) {}

  /** Resolves to the id of the root's node. */
  async take(batches: AsyncIterable<readonly WalkEvent[]>): Promise<Buffer> {
    for await (const batch of batches) {
      for (const event of batch) await this.takeEvent(event);
    }
    if (this.root === undefined) throw new TypeError('the walk did not leave its root');
    return this.root;
  }

  private async takeEvent(event: WalkEvent): Promise<void> {
    switch (event.kind) {
      case 'enterDirectory':
        return this.enter(event.entry, event.unreadable === true);
      case 'entry':
        return this.takeEntry(event.entry);
      case 'leaveDirectory':
        return this.leave();
      case 'notice':
        return this.notice(
          event.notice.path,
          noticeKinds[event.notice.kind as keyof typeof noticeKinds] ?? 'UNREADABLE',
          event.notice.message,
        );
    }
  }

  private enter(entry: ScannedEntry, unreadable: boolean): void {
    this.stack.push({ entry, unreadable, builder: new DirectoryBuilder(this.ports.reader.nodes), entries: 0 });
    if (this.stack.length === 1) return;
    this.ports.run.counters.entries += 1;
    this.ports.cursor?.enterDirectory(entry.name);
    this.ports.draft.enterDirectory(entry.name);
  }

  private async leave(): Promise<void> {
    const left = this.stack.pop();
    if (left === undefined) throw new TypeError('the walk left a directory that it was not in');
    const empty = left.unreadable && left.entries === 0 && this.stack.length > 0;
    const id = empty ? undefined : left.builder.finish();
    await this.ports.intake.room();
    if (this.stack.length === 0) {
      this.root = id;
      return;
    }
    this.ports.cursor?.leaveDirectory();
    this.ports.draft.leaveDirectory();
    this.store(left.entry, id && { kind: 'node', id }, empty ? 'unreadable' : undefined);
  }

  private async takeEntry(entry: ScannedEntry): Promise<void> {
    const { counters } = this.ports.run;
    counters.entries += 1;
    if (entry.type !== 'file') {
      this.store(entry, undefined, undefined);
      return;
    }
    counters.files += 1;
    const known = await this.unchangedContent(entry);
    if (known !== undefined) return this.keep({ entry, content: known.content, changed: false });
    const read = this.linkedContent(entry) ?? (await this.readContent(entry));
    if (read !== undefined) this.keep(read);
  }

  /** The content of a file that the cache knows to be unchanged, and the vault was not found to lack. */
  private async unchangedContent(
    entry: ScannedEntry,
  ): Promise<{ readonly content: StoredContent | undefined } | undefined> {
    const cached = this.ports.cursor?.find(entry.name);
    if (cached === undefined || !isUnchanged(cached, entry.stamp)) return undefined;
    const reference = decodeReference(cached.reference);
    if (reference?.content === undefined) return reference;
    if (this.ports.intake.lacks(reference.content.id)) return undefined;
    await this.ports.intake.claimed(reference.content.claim);
    return reference;
  }

  /** What another link to the same file had, unless the file changed since. */
  private linkedContent(entry: ScannedEntry): ReadFile | undefined {
    const read = entry.hardLinkGroup && this.hardLinks.get(entry.hardLinkGroup.toString('latin1'));
    if (!read || read.changed || !sameStamp(read.entry.stamp, entry.stamp)) return undefined;
    return { ...read, entry: { ...entry, size: read.entry.size } };
  }

  private async readContent(entry: ScannedEntry): Promise<ReadFile | undefined> {
    const { open, reader, run } = this.ports;
    try {
      const file = open(entry);
      try {
        const read = await reader.read(file);
        if (read.changed) this.notice(entryPath(entry), 'CHANGED_WHILE_READ', 'it changed while it was read');
        if (entry.hardLinkGroup) this.hardLinks.set(entry.hardLinkGroup.toString('latin1'), read);
        return read;
      } finally {
        file.close();
      }
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === undefined) throw error;
      if (code === 'ENOENT' || code === 'ENOTDIR') {
        this.notice(entryPath(entry), 'VANISHED', 'it vanished before it was read');
        run.counters.entries -= 1;
        run.counters.files -= 1;
        return undefined;
      }
      this.notice(entryPath(entry), 'UNREADABLE', reasonOf(error));
      run.counters.bytesTotal += entry.size;
      this.store(entry, undefined, 'unreadable');
      return undefined;
    }
  }

  private keep({ entry, content, changed }: ReadFile): void {
    this.ports.run.counters.bytesTotal += entry.size;
    const stored = this.store(
      entry,
      content && { kind: content.kind, id: content.id },
      changed ? 'changed' : undefined,
    );
    if (stored && !changed)
      this.ports.draft.addFile({ name: entry.name, stamp: entry.stamp, reference: encodeReference(content) });
  }

  private store(entry: ScannedEntry, content: Parameters<typeof toTreeEntry>[1], defect: Defect): boolean {
    const directory = this.stack.at(-1);
    if (directory === undefined) throw new TypeError('an entry outside of every directory');
    try {
      directory.builder.add(toTreeEntry(entry, content, defect));
    } catch (error) {
      // The format has bounds, such as 1 MiB of attributes; one entry beyond them must not end the backup.
      if (!isHoldfastError(error, 'Validation')) throw error;
      this.notice(entryPath(entry), 'UNREADABLE', error.message);
      return false;
    }
    directory.entries += 1;
    return true;
  }

  private notice(path: Buffer, kind: NoticeKind, message: string): void {
    const { run } = this.ports;
    run.notices.add(path, kind, message);
    run.counters.warnings = run.notices.total;
  }
}

const EXHAUSTED = ['EMFILE', 'ENFILE', 'ENOMEM'];

/** The code of a failed system call that says something about one file; undefined for every other error. Throws Unavailable where the host ran short. */
function systemErrorCode(error: unknown): string | undefined {
  const code = errorCode(error);
  if (isHoldfastError(error) || code === undefined || !(error instanceof Error) || !('syscall' in error))
    return undefined;
  if (!EXHAUSTED.includes(code)) return code;
  throw new HoldfastError({
    kind: 'Unavailable',
    code: 'HOST_EXHAUSTED',
    message: `The host ran short of a resource: ${error.message}`,
    cause: error,
  });
}
