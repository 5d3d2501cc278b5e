import { DirectoryBuilder } from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import { type CacheRecord, NO_BYTES, NO_STAMP } from '../../workloads/files/change-cache-format.js';
import type { CachedDirectory } from '../../workloads/files/change-cache-reader.js';
import type { ChangeCacheWriter } from '../../workloads/files/change-cache-writer.js';
import { fileRefOf } from '../../workloads/files/file-content.js';
import type { ScannedEntry } from '../../workloads/files/file-entry.js';
import { entryPath } from '../../workloads/files/file-entry.js';
import { sameStamp } from '../../workloads/files/scan-entry.js';
import type { SeenUnchanged, WalkBatch, WalkEvent } from '../../workloads/files/walk.js';
import type { NoticeKind } from '../job.js';
import type { JobRun } from '../job-run.js';
import { NOTICE_KINDS } from '../notices.js';
import type { Defect } from '../tree-entries.js';
import { toTreeEntry } from '../tree-entries.js';
import type { BackupPipeline } from './backup-pipeline.js';
import { FileAssembly } from './file-assembly.js';
import type { FileResult } from './lanes/file-result.js';
import { ReadAhead } from './read-ahead.js';
import type { StoredContent } from './stored-content.js';
import { decodeReference, encodeReference } from './stored-content.js';

export interface TreeBackupPorts {
  readonly run: JobRun;
  readonly pipeline: Pick<BackupPipeline, 'intake' | 'nodes' | 'lanes'>;
  readonly draft: ChangeCacheWriter;
}

interface OpenDirectory {
  readonly entry: ScannedEntry;
  readonly unreadable: boolean;
  readonly builder: DirectoryBuilder;
  entries: number;
  /** Its node stands for all that lies in it: an unchanged directory may be referred to by that alone. */
  whole: boolean;
}

/** What was read of a file, with the metadata and the size that belong to the content. */
interface ReadFile {
  readonly entry: ScannedEntry;
  readonly content: StoredContent | undefined;
  readonly changed: boolean;
}

/** A file that is being read. */
interface Reading {
  readonly assembly: FileAssembly;
  readonly result: Promise<FileResult>;
}

/** An event of the walk, and what is known of it beforehand. */
interface Step {
  readonly event: WalkEvent;
  /** The content of what is unchanged, which may be none. */
  readonly known?: { readonly content: StoredContent | undefined };
  readonly reading?: Reading;
}

/** Batches of the walk whose files are being read while the tree is built from earlier ones. */
const BATCHES_UNDER_WAY = 8;

/**
 * Turns the events of one walk into nodes, bottom up, and everything below them into chunks. Each batch is gone through twice: first
 * its files are looked up and given out to be read, and then, some batches later, the tree is built from what was read, in order.
 */
export class TreeBackup {
  private readonly stack: OpenDirectory[] = [];
  private readonly linksGivenOut = new Set<string>();
  private readonly hardLinks = new Map<string, ReadFile>();
  private readonly underWay: { steps: readonly Step[]; readonly done: () => void }[] = [];
  private root: Buffer | undefined;

  constructor(private readonly ports: TreeBackupPorts) {}

  /** Resolves to the id of the root's node. */
  async take(batches: AsyncIterable<WalkBatch>): Promise<Buffer> {
    for await (const { events, done } of batches) {
      const newest: { steps: readonly Step[]; readonly done: () => void } = { steps: [], done };
      this.underWay.push(newest);
      newest.steps = await this.giveOut(events);
      if (this.underWay.length > BATCHES_UNDER_WAY) await this.buildOldest();
    }
    while (this.underWay.length > 0) await this.buildOldest();
    if (this.root === undefined) throw new TypeError('the walk did not leave its root');
    return this.root;
  }

  /** Of a walk that did not come to its end: its directories are not needed any more. */
  abandon(): void {
    for (const { done } of this.underWay.splice(0)) done();
  }

  private async giveOut(events: readonly WalkEvent[]): Promise<Step[]> {
    const ahead = new ReadAhead(this.ports.pipeline.lanes);
    const steps: Step[] = [];
    for (const event of events) steps.push(await this.prepare(event, ahead));
    ahead.flush();
    return steps;
  }

  private async prepare(event: WalkEvent, ahead: ReadAhead): Promise<Step> {
    if (event.kind === 'unchangedDirectory') return { event, known: await this.refer(event.cached.reference) };
    if (event.kind !== 'entry' || event.entry.type !== 'file') return { event };
    if (event.known) return { event, known: await this.refer(event.known) };
    return this.isFirstLink(event.entry) ? { event, reading: this.startReading(event.entry, ahead) } : { event };
  }

  /** To content that an earlier backup sent. */
  private async refer(reference: Buffer): Promise<{ readonly content: StoredContent | undefined }> {
    const content = decodeReference(reference);
    if (content) await this.ports.pipeline.intake.claimed(content.claim);
    return { content };
  }

  /** Another link of the same file needs no second reading, unless the first turns out to be of no use. */
  private isFirstLink({ hardLinkGroup }: ScannedEntry): boolean {
    if (hardLinkGroup === undefined) return true;
    const key = hardLinkGroup.toString('latin1');
    if (this.linksGivenOut.has(key)) return false;
    this.linksGivenOut.add(key);
    return true;
  }

  private startReading(entry: ScannedEntry, ahead: ReadAhead): Reading {
    const assembly = new FileAssembly(this.ports.pipeline.nodes);
    return { assembly, result: ahead.read({ ref: fileRefOf(entry), onExtent: (extent) => assembly.add(extent) }) };
  }

  private async buildOldest(): Promise<void> {
    const oldest = this.underWay[0];
    if (oldest === undefined) return;
    for (const step of oldest.steps) await this.build(step);
    this.underWay.shift();
    oldest.done();
  }

  private async build(step: Step): Promise<void> {
    const { event } = step;
    switch (event.kind) {
      case 'enterDirectory':
        return this.enter(event.entry, event.unreadable === true);
      case 'entry':
        return this.takeEntry(event.entry, step);
      case 'leaveDirectory':
        return this.leave();
      case 'unchangedDirectory':
        return this.takeUnchanged(event.entry, event.cached, step.known?.content);
      case 'unchanged':
        return this.count(event);
      case 'notice':
        return this.notice(event.notice.path, NOTICE_KINDS[event.notice.kind], event.notice.message);
    }
  }

  private enter(entry: ScannedEntry, unreadable: boolean): void {
    const builder = new DirectoryBuilder(this.ports.pipeline.nodes.writer);
    this.stack.push({ entry, unreadable, builder, entries: 0, whole: !unreadable });
    if (this.stack.length === 1) return;
    this.ports.run.counters.entries += 1;
    this.record('enter', entry);
  }

  private async takeUnchanged(
    entry: ScannedEntry,
    cached: CachedDirectory,
    content: StoredContent | undefined,
  ): Promise<void> {
    this.ports.run.counters.entries += 1;
    this.record('enter', entry);
    await this.ports.draft.addRecords(cached.records);
    this.store(entry, content, undefined);
  }

  private count({ entries, files, bytes }: SeenUnchanged): void {
    const { counters } = this.ports.run;
    counters.entries += entries;
    counters.files += files;
    counters.bytesTotal += bytes;
  }

  private record(kind: CacheRecord['kind'], { name, stamp }: ScannedEntry, content?: StoredContent): void {
    this.ports.draft.add({ kind, name, stamp, reference: encodeReference(content) });
  }

  private async leave(): Promise<void> {
    const left = this.stack.pop();
    if (left === undefined) throw new TypeError('the walk left a directory that it was not in');
    const empty = left.unreadable && left.entries === 0 && this.stack.length > 0;
    const id = empty ? undefined : left.builder.finish();
    const claim = this.ports.pipeline.nodes.last?.claim;
    await this.ports.pipeline.intake.room();
    if (this.stack.length === 0) {
      this.root = id;
      return;
    }
    const stored = this.store(left.entry, id && { kind: 'node', id }, empty ? 'unreadable' : undefined);
    const isWhole = stored && left.whole && id !== undefined && claim !== undefined;
    const reference = isWhole ? encodeReference({ kind: 'node', id, claim }) : NO_BYTES;
    this.ports.draft.add({ kind: 'leave', name: NO_BYTES, stamp: NO_STAMP, reference });
    if (!isWhole) this.spoil();
  }

  /** The directory that the tree is built in cannot be referred to as a whole by the next backup. */
  private spoil(): void {
    const directory = this.stack.at(-1);
    if (directory) directory.whole = false;
  }

  private async takeEntry(entry: ScannedEntry, { known, reading }: Step): Promise<void> {
    const { counters } = this.ports.run;
    counters.entries += 1;
    if (entry.hardLinkGroup) this.spoil();
    if (entry.type !== 'file') {
      if (this.store(entry, undefined, undefined)) this.record('other', entry);
      return;
    }
    counters.files += 1;
    if (known !== undefined) return this.keep({ entry, content: known.content, changed: false });
    const read = (reading === undefined && this.linkedContent(entry)) || (await this.readContent(entry, reading));
    if (read !== undefined) this.keep(read);
  }

  /** What another link to the same file had, unless the file changed since. */
  private linkedContent(entry: ScannedEntry): ReadFile | undefined {
    const read = entry.hardLinkGroup && this.hardLinks.get(entry.hardLinkGroup.toString('latin1'));
    if (!read || read.changed || !sameStamp(read.entry.stamp, entry.stamp)) return undefined;
    return { ...read, entry: { ...entry, size: read.entry.size } };
  }

  private async readContent(entry: ScannedEntry, begun: Reading | undefined): Promise<ReadFile | undefined> {
    const { assembly, result } = begun ?? this.readNow(entry);
    const outcome = await result;
    await this.ports.pipeline.intake.room();
    if (outcome.outcome === 'failed') return this.unread(entry, outcome);
    const { size, changed, fresh } = outcome;
    const read = { entry: { ...entry, ...fresh, size }, content: assembly.finish(size), changed };
    if (changed) this.notice(entryPath(entry), 'CHANGED_WHILE_READ', 'it changed while it was read');
    if (entry.hardLinkGroup) this.hardLinks.set(entry.hardLinkGroup.toString('latin1'), read);
    return read;
  }

  private readNow(entry: ScannedEntry): Reading {
    const ahead = new ReadAhead(this.ports.pipeline.lanes);
    const reading = this.startReading(entry, ahead);
    ahead.flush();
    return reading;
  }

  private unread(entry: ScannedEntry, { code, reason }: FileResult & { outcome: 'failed' }): undefined {
    const { counters } = this.ports.run;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      this.notice(entryPath(entry), 'VANISHED', 'it vanished before it was read');
      counters.entries -= 1;
      counters.files -= 1;
      return;
    }
    this.notice(entryPath(entry), 'UNREADABLE', reason);
    counters.bytesTotal += entry.size;
    this.store(entry, undefined, 'unreadable');
  }

  private keep({ entry, content, changed }: ReadFile): void {
    this.ports.run.counters.bytesTotal += entry.size;
    const stored = this.store(
      entry,
      content && { kind: content.kind, id: content.id },
      changed ? 'changed' : undefined,
    );
    if (stored && !changed) this.record('file', entry, content);
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
    // The next backup is to come upon it again.
    this.spoil();
    run.notices.add(path, kind, message);
    run.counters.warnings = run.notices.total;
  }
}
