import { readExtents } from '@holdfast/core/engine';
import type { FileEntry } from '../../workloads/files/file-entry.js';
import { joinPath } from '../../workloads/files/file-entry.js';
import type { RestoreDirectory } from '../../workloads/files/restore-directory.js';
import type { ContentSource } from '../../workloads/files/write-content.js';
import type { JobRun } from '../job-run.js';
import { asDamage, type ChunkReader, FetchedChunks } from './chunk-reader.js';
import { DamageError } from './damage.js';
import { readLargeFile } from './large-file.js';
import type { RestoreBatch } from './restore-batches.js';
import type { TargetRoom } from './target-room.js';
import type { RestoreItem } from './tree-walk.js';

type FileItem = Extract<RestoreItem, { kind: 'file' }>;

interface OpenDirectory {
  readonly directory: RestoreDirectory;
  /** On the host. */
  readonly path: Buffer;
  /** In the point: what is damaged there has no path on the host. */
  readonly pointPath: Buffer;
}

/** Writes the items of a walk below a target, in their order. */
export class TreeRestore {
  private readonly stack: OpenDirectory[];
  /** Levels of a directory that was skipped or could not be made. */
  private skipping = 0;
  /** Selected paths that the point does not have. */
  readonly absent: Buffer[] = [];

  constructor(
    private readonly run: JobRun,
    private readonly reader: ChunkReader,
    places: { readonly target: Buffer; readonly base: Buffer },
    root: RestoreDirectory,
    private readonly room: Pick<TargetRoom, 'wrote' | 'made'>,
  ) {
    this.stack = [{ directory: root, path: places.target, pointPath: places.base }];
  }

  /** Files are made beside each other: small ones of one batch while the next is being handed out, and large ones as long as they are few. */
  async take(batches: AsyncIterable<RestoreBatch>): Promise<void> {
    let before: Promise<void>[] = [];
    const large = new LargeFiles();
    for await (const { items, chunks } of batches) {
      const fetched = await chunks;
      const running: Promise<void>[] = [];
      for (const item of items) {
        this.run.throwIfStopped();
        if (item.kind === 'enter' || item.kind === 'file' || item.kind === 'special') this.room.made();
        if (item.kind !== 'file') await this.takeItem(item, fetched);
        else if (item.content?.kind === 'node')
          await large.begin(item.entry.size, () => this.takeItem(item, NOTHING_FETCHED));
        else running.push(unheard(this.takeItem(item, fetched)));
      }
      await Promise.all(before);
      before = running;
    }
    await Promise.all(before);
    await large.ended();
  }

  private async takeItem(item: RestoreItem, fetched: FetchedChunks): Promise<void> {
    const { counters } = this.run;
    if (item.kind === 'enter') return this.enter(item.entry);
    if (item.kind === 'leave') return this.leave();
    if (this.skipping > 0) return;
    switch (item.kind) {
      case 'file':
        await this.writeFile(item, fetched);
        counters.bytesTotal += item.entry.size;
        return;
      case 'special':
        await this.directory.special(item.entry);
        return;
      case 'contentless': {
        const path = item.entry.type === 'directory' ? this.here.path : this.directory.pathOf(item.entry);
        return this.run.notices.add(path, 'NOT_RESTORABLE', 'its content could not be read when it was backed up');
      }
      case 'damaged':
        return this.run.notices.add(
          item.entry ? this.inPoint(item.entry) : this.here.pointPath,
          'DAMAGED',
          `the directory is damaged, and what lies in it is lost: ${item.reason}`,
        );
      case 'absent':
        this.absent.push(joinPath(this.here.path, item.name));
        return;
    }
  }

  private async writeFile(item: FileItem, fetched: FetchedChunks): Promise<void> {
    const { counters } = this.run;
    const { directory, pointPath } = this.here;
    const { entry, content } = item;
    // Holes are not written, so a sparse file counts with its data; a large one while it is under way.
    let written = 0;
    const count = (bytes: number): void => {
      written += bytes;
      counters.bytesWritten += bytes;
      this.room.wrote(bytes);
    };
    const takeBack = (): void => {
      counters.bytesWritten -= written;
      written = 0;
    };
    const source = (): ContentSource => {
      if (content === undefined) return entry.size === 0 ? Buffer.alloc(0) : undefined;
      return content.kind === 'node'
        ? readLargeFile(content, entry.size, this.reader)
        : fetched.get(content.id).plaintext;
    };
    try {
      const outcome = await directory.file(entry, source, count);
      if (outcome !== 'restored') takeBack();
      const earlier = outcome === 'earlier' ? await this.bytesOf(item) : 0;
      counters.bytesWritten += earlier;
      if (outcome !== 'failed') counters.files += 1;
    } catch (error) {
      takeBack();
      // A RangeError is the writer's word for content that does not fit the size of its entry.
      if (!(error instanceof DamageError) && !(error instanceof RangeError)) throw error;
      this.run.notices.add(joinPath(pointPath, entry.name), 'DAMAGED', error.message);
    }
  }

  /** What an earlier attempt wrote of a file that it restored, as that attempt counted it. */
  private async bytesOf({ entry, content }: FileItem): Promise<number> {
    if (content?.kind !== 'node') return content ? entry.size : 0;
    let bytes = 0;
    try {
      for await (const { length } of readExtents(content, entry.size, (id) => this.reader.node(id))) bytes += length;
    } catch (error) {
      // Where its data lies is damaged in the vault; the file itself is there.
      if (!(asDamage(error) instanceof DamageError)) throw error;
    }
    return bytes;
  }

  private enter(entry: FileEntry): void {
    if (this.skipping > 0) {
      this.skipping += 1;
      return;
    }
    const child = this.directory.directory(entry);
    if (child === undefined) this.skipping = 1;
    else
      this.stack.push({ directory: child, path: joinPath(this.here.path, entry.name), pointPath: this.inPoint(entry) });
  }

  private leave(): void {
    if (this.skipping > 0) this.skipping -= 1;
    else this.stack.pop()?.directory.leave();
  }

  private inPoint(entry: FileEntry): Buffer {
    return joinPath(this.here.pointPath, entry.name);
  }

  private get here(): OpenDirectory {
    const last = this.stack.at(-1);
    if (last === undefined) throw new TypeError('the walk left the directory that it started in');
    return last;
  }

  private get directory(): RestoreDirectory {
    return this.here.directory;
  }
}

/** A new one waits while so many bytes of others, or so many others, are under way. */
const LARGE_BYTES_UNDER_WAY = 16 * 1024 * 1024;
const LARGE_FILES_UNDER_WAY = 4;
const NOTHING_FETCHED = new FetchedChunks();

/** Large files that are read and written beside each other: for each, the vault is asked several times in turn. */
class LargeFiles {
  private readonly underWay = new Set<Promise<void>>();
  private bytes = 0;

  /** Throws what an earlier one failed with. */
  async begin(size: number, take: () => Promise<void>): Promise<void> {
    while (this.bytes >= LARGE_BYTES_UNDER_WAY || this.underWay.size >= LARGE_FILES_UNDER_WAY)
      await Promise.race(this.underWay);
    this.bytes += size;
    const running = unheard(
      take().then(() => {
        this.bytes -= size;
        this.underWay.delete(running);
      }),
    );
    this.underWay.add(running);
  }

  async ended(): Promise<void> {
    await Promise.all(this.underWay);
  }
}

/** Its failure is met where it is awaited, which may be later. */
function unheard(running: Promise<void>): Promise<void> {
  running.catch(() => undefined);
  return running;
}
