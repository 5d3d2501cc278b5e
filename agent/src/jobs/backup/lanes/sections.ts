import fs from 'node:fs';
import { type FileRef, openFile } from '../../../workloads/files/file-content.js';
import { sameStamp } from '../../../workloads/files/scan-entry.js';
import { asFailed, type FileResult, type NamedExtent } from './file-result.js';
import type { FileToRead } from './lane-pool.js';

/**
 * A longer file is read in sections of this many bytes, by several lanes at a time. A chunk ends where a section does, so the length decides
 * which chunks a file has: it is the same everywhere, however many lanes there are.
 */
export const SECTION_BYTES = 64 * 1024 * 1024;

interface Section {
  readonly from: number;
  readonly to: number;
  readonly result: Promise<FileResult>;
  /** Its extents go to the file: it is the first of those that are not done. */
  deliver(): void;
}

/**
 * Reads a long file, opened once. Its extents come in order: those of sections that are ahead wait.
 *
 * @param read reads one file, or section; settles once nobody reads any more
 * @param ahead sections that are read beside the first that is not done
 */
export async function readInSections(
  file: FileToRead,
  read: (file: FileToRead) => Promise<FileResult>,
  ahead: number,
): Promise<FileResult> {
  let fd: number;
  try {
    fd = openFile(file.ref);
  } catch (error) {
    return asFailed(error);
  }
  const reads: Promise<FileResult>[] = [];
  const begin = (from: number): Section => {
    const to = from + SECTION_BYTES < file.ref.stamp.size ? from + SECTION_BYTES : Number.POSITIVE_INFINITY;
    const section = beginSection(file, { fd, from, to }, read);
    reads.push(section.result);
    return section;
  };
  try {
    return await inOrder(file.ref, begin, ahead);
  } finally {
    void Promise.allSettled(reads).then(() => fs.close(fd, () => undefined));
  }
}

function beginSection(
  { ref, onExtent }: FileToRead,
  section: { readonly fd: number; readonly from: number; readonly to: number },
  read: (file: FileToRead) => Promise<FileResult>,
): Section {
  let held: NamedExtent[] | undefined = [];
  const result = read({
    ref: { ...ref, section },
    onExtent: (extent) => (held === undefined ? onExtent(extent) : held.push(extent)),
  });
  // It is met where it is awaited, if nothing else ended the file before.
  result.catch(() => undefined);
  const deliver = (): void => {
    for (const extent of held ?? []) onExtent(extent);
    held = undefined;
  };
  return { ...section, result, deliver };
}

async function inOrder(ref: FileRef, begin: (from: number) => Section, ahead: number): Promise<FileResult> {
  const underWay: Section[] = [];
  let whole: (FileResult & { outcome: 'read' }) | undefined;
  for (let next = 0; ; ) {
    for (; next < ref.stamp.size && underWay.length <= ahead; next += SECTION_BYTES) underWay.push(begin(next));
    const section = underWay.shift();
    if (section === undefined) break;
    section.deliver();
    const result = await section.result;
    if (result.outcome === 'failed') return result;
    whole = joined(ref, whole, section, result);
    // Cut off meanwhile: what sections behind it found, they found before.
    if (result.size < section.to) break;
  }
  if (whole === undefined) throw new TypeError('a file without a section');
  return whole;
}

function joined(
  { stamp }: FileRef,
  before: (FileResult & { outcome: 'read' }) | undefined,
  { from }: Section,
  result: FileResult & { outcome: 'read' },
): FileResult & { outcome: 'read' } {
  if (before === undefined) return result;
  const isSame = sameStamp(before.fresh?.stamp ?? stamp, result.fresh?.stamp ?? stamp);
  return {
    ...before,
    chunks: before.chunks + result.chunks,
    size: Math.max(from, result.size),
    changed: before.changed || result.changed || !isSame,
  };
}
