import fs from 'node:fs';
import { statFd } from '../../../platform/file-status.js';
import { type FileRef, openFile } from '../../../workloads/files/file-content.js';
import { sameStamp } from '../../../workloads/files/scan-entry.js';
import type { FileResult, NamedExtent } from './file-result.js';
import type { FileToRead } from './lane-pool.js';

/**
 * A longer file is read in sections of this many bytes, by several lanes at a time. A chunk ends where a section does, so the length decides
 * which chunks a file has: it is the same everywhere, however many lanes there are.
 */
export const SECTION_BYTES = 64 * 1024 * 1024;

/** Has one file, or section, read: asks which when a lane is there for it. Settles once nobody reads any more. */
export type ReadPart = (bytes: number, begin: () => FileToRead) => Promise<FileResult>;

type WasRead = FileResult & { outcome: 'read' };

/**
 * Reads a long file, opened once, when the first lane gets to it. Its extents come in order: those of sections that are ahead wait.
 *
 * @param ahead sections that are read beside the first that is not done
 */
export async function readInSections(file: FileToRead, read: ReadPart, ahead: number): Promise<FileResult> {
  const long = new LongFile(file, read);
  try {
    const underWay = [long.begin(0)];
    await Promise.race([long.opened, underWay[0]?.result]);
    let whole: WasRead | undefined;
    for (let next = SECTION_BYTES; ; ) {
      for (; next < long.size && underWay.length <= ahead; next += SECTION_BYTES) underWay.push(long.begin(next));
      const section = underWay.shift();
      if (section === undefined) break;
      section.deliver();
      const result = await section.result;
      if (result.outcome === 'failed') return result;
      whole = joined(file.ref, whole, section.from, result);
      // Cut off meanwhile: what sections behind it found, they found before.
      if (result.size < long.endOf(section.from)) break;
    }
    if (whole === undefined) throw new TypeError('a file without a section');
    return whole;
  } finally {
    long.end();
  }
}

interface Section {
  readonly from: number;
  readonly result: Promise<FileResult>;
  /** Its extents go to the file: it is the first of those that are not done. */
  deliver(): void;
}

/** The descriptor of a file that is read in sections: it stays open until the last of those that were begun is done. */
class LongFile {
  readonly opened: Promise<void>;
  private readonly tellOpened: () => void;
  private fd: number | undefined;
  /** As it was when it was opened. */
  size = 0;
  private reading = 0;
  private isOver = false;

  constructor(
    private readonly file: FileToRead,
    private readonly read: ReadPart,
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.opened = promise;
    this.tellOpened = resolve;
  }

  /** Infinity for the last one: it goes as far as the file does by then. */
  endOf(from: number): number {
    return from + SECTION_BYTES < this.size ? from + SECTION_BYTES : Number.POSITIVE_INFINITY;
  }

  begin(from: number): Section {
    const { ref, onExtent } = this.file;
    let held: NamedExtent[] | undefined = [];
    this.reading += 1;
    const result = this.read(SECTION_BYTES, () => ({
      ref: { ...ref, section: { fd: this.open(), from, to: this.endOf(from) } },
      onExtent: (extent) => (held === undefined ? onExtent(extent) : held.push(extent)),
    }));
    // It is met where it is awaited, if nothing else ended the file before.
    result.catch(() => undefined).finally(() => this.leave());
    const deliver = (): void => {
      for (const extent of held ?? []) onExtent(extent);
      held = undefined;
    };
    return { from, result, deliver };
  }

  end(): void {
    this.isOver = true;
    this.closeIfUnused();
  }

  private open(): number {
    if (this.fd === undefined) {
      this.fd = openFile(this.file.ref);
      this.size = statFd(this.fd).size;
      this.tellOpened();
    }
    return this.fd;
  }

  private leave(): void {
    this.reading -= 1;
    this.closeIfUnused();
  }

  private closeIfUnused(): void {
    if (this.fd !== undefined && this.isOver && this.reading === 0) fs.close(this.fd, () => undefined);
  }
}

function joined({ stamp }: FileRef, before: WasRead | undefined, from: number, result: WasRead): WasRead {
  if (before === undefined) return result;
  const isSame = sameStamp(before.fresh?.stamp ?? stamp, result.fresh?.stamp ?? stamp);
  return {
    ...before,
    chunks: before.chunks + result.chunks,
    size: Math.max(from, result.size),
    changed: before.changed || result.changed || !isSame,
  };
}
