import type { FileEntry } from '../../workloads/files/file-entry.js';
import { joinPath } from '../../workloads/files/file-entry.js';
import type { RestoreDirectory } from '../../workloads/files/restore-directory.js';
import type { ContentSource, DataBlock } from '../../workloads/files/write-content.js';
import { ContentSourceError } from '../../workloads/files/write-content.js';
import type { JobRun } from '../job-run.js';
import type { ChunkReader, FetchedChunks } from './chunk-reader.js';
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

  /** Small files are made beside each other: those of one batch while the next is being handed out. */
  async take(batches: AsyncIterable<RestoreBatch>): Promise<void> {
    let before: Promise<void>[] = [];
    for await (const { items, chunks } of batches) {
      const fetched = await chunks;
      const running: Promise<void>[] = [];
      for (const item of items) {
        this.run.throwIfStopped();
        if (item.kind === 'enter' || item.kind === 'file' || item.kind === 'special') this.room.made();
        const taken = this.takeItem(item, fetched);
        if (item.kind !== 'file' || item.content?.kind === 'node') {
          await taken;
          continue;
        }
        // Its failure is met where all of them are awaited.
        taken.catch(() => undefined);
        running.push(taken);
      }
      await Promise.all(before);
      before = running;
    }
    await Promise.all(before);
  }

  private async takeItem(item: RestoreItem, fetched: FetchedChunks): Promise<void> {
    const { counters } = this.run;
    if (item.kind === 'enter') return this.enter(item.entry);
    if (item.kind === 'leave') return this.leave();
    if (this.skipping > 0) return;
    switch (item.kind) {
      case 'file':
        counters.entries += 1;
        counters.files += 1;
        await this.writeFile(item, fetched);
        counters.bytesTotal += item.entry.size;
        return;
      case 'special':
        counters.entries += 1;
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

  private async writeFile({ entry, content }: FileItem, fetched: FetchedChunks): Promise<void> {
    const { counters } = this.run;
    const { directory, pointPath } = this.here;
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
      if (content.kind === 'node') {
        takeBack();
        return counted(readLargeFile(content, entry.size, this.reader), count);
      }
      try {
        const { plaintext } = fetched.get(content.id);
        takeBack();
        count(plaintext.length);
        return plaintext;
      } catch (error) {
        throw new ContentSourceError(error);
      }
    };
    try {
      const outcome = await directory.file(entry, source);
      if (outcome !== 'restored') takeBack();
    } catch (error) {
      takeBack();
      // A RangeError is the writer's word for content that does not fit the size of its entry.
      if (!(error instanceof DamageError) && !(error instanceof RangeError)) throw error;
      this.run.notices.add(joinPath(pointPath, entry.name), 'DAMAGED', error.message);
    }
  }

  private enter(entry: FileEntry): void {
    if (this.skipping > 0) {
      this.skipping += 1;
      return;
    }
    this.run.counters.entries += 1;
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

async function* counted(
  blocks: AsyncIterable<DataBlock>,
  count: (bytes: number) => void,
): AsyncGenerator<DataBlock, void, void> {
  for await (const block of blocks) {
    count(block.data.length);
    yield block;
  }
}
