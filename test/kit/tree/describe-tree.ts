/**
 * What one entry of a tree is, read from the file system alone. Each folder is held open while what stands in it is
 * described, and names lead on from there: a tree may be deeper than any path that the kernel takes.
 */
import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import { toPathScalar } from '../path-scalar.js';
import { type Extent, native } from './native.js';

export type EntryKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'character-device' | 'block-device';

export interface EntryDescription {
  /** Path below the root as latin1 (a byte a character), '' for the root itself. */
  readonly path: string;
  readonly kind: EntryKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly size: bigint;
  readonly sha256?: string;
  readonly extents?: readonly Extent[];
  readonly linkTarget?: string;
  readonly device?: bigint;
  /** Path of the first entry of the tree with the same inode, for entries with more than one link. */
  readonly linkGroup?: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** What the running user was not allowed to read. */
  readonly unreadable?: string;
}

export interface DescribeOptions {
  /** Directory and file names to leave out wherever they stand. */
  readonly excludeNames?: ReadonlySet<string>;
}

/** To pass through a folder needs no right to read it. Linux's O_PATH, which Node does not name. */
const O_PATH = 0o10000000;
const READ_BYTES = 1 << 20;
const BLOCK_BYTES = 4096n;
const ZEROS = Buffer.alloc(Number(BLOCK_BYTES));

function kindOf(stats: fs.BigIntStats): EntryKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  if (stats.isCharacterDevice()) return 'character-device';
  return 'block-device';
}

function isRefusal(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EACCES' || code === 'EPERM';
}

/** The system's own words name a place that nobody knows. */
function failedAt(path: string, cause: unknown): Error {
  const shown = toPathScalar(Buffer.from(path || '.', 'latin1'));
  return new Error(`${shown} cannot be looked at: ${(cause as Error).message}`, { cause });
}

export class TreeDescriber {
  readonly #root: Buffer;
  readonly #options: DescribeOptions;
  readonly #firstByInode = new Map<string, string>();
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);

  constructor(root: string | Buffer, options: DescribeOptions = {}) {
    this.#root = Buffer.from(root);
    this.#options = options;
  }

  /** Depth first, names in byte order. */
  *entries(): Generator<EntryDescription> {
    yield* this.#walk('', this.#root);
  }

  /** `place` leads to the entry while the folder around it is open. */
  *#walk(path: string, place: Buffer): Generator<EntryDescription> {
    const stats = this.#stat(path, place);
    const kind = kindOf(stats);
    let unreadable: string | undefined;
    let names: Buffer[] = [];
    let content: Pick<EntryDescription, 'sha256' | 'extents' | 'linkTarget'> = {};
    const attributes = new Map<string, string>();
    try {
      for (const name of native.listAttributes(place)) {
        attributes.set(name.toString('latin1'), native.getAttribute(place, name).toString('hex'));
      }
      if (kind === 'directory') names = fs.readdirSync(place, { encoding: 'buffer' }).sort(Buffer.compare);
      else if (kind === 'file') content = this.#readContent(place, stats.size);
      else if (kind === 'symlink')
        content = { linkTarget: fs.readlinkSync(place, { encoding: 'buffer' }).toString('latin1') };
    } catch (error) {
      if (!isRefusal(error)) throw failedAt(path, error);
      unreadable = (error as NodeJS.ErrnoException).code;
    }
    yield {
      path,
      kind,
      mode: Number(stats.mode & 0o7777n),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mtimeNs: stats.mtimeNs,
      size: kind === 'file' ? stats.size : 0n,
      ...content,
      ...(kind.endsWith('device') ? { device: stats.rdev } : {}),
      ...(kind !== 'directory' && stats.nlink > 1n ? { linkGroup: this.#groupOf(stats, path) } : {}),
      attributes,
      ...(unreadable === undefined ? {} : { unreadable }),
    };
    if (names.length > 0) yield* this.#walkInto(path, place, names);
  }

  *#walkInto(path: string, place: Buffer, names: readonly Buffer[]): Generator<EntryDescription> {
    const folder = fs.openSync(place, O_PATH | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
    try {
      for (const name of names) {
        const text = name.toString('latin1');
        if (this.#options.excludeNames?.has(text)) continue;
        const inside = Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]);
        yield* this.#walk(path === '' ? text : `${path}/${text}`, inside);
      }
    } finally {
      fs.closeSync(folder);
    }
  }

  #stat(path: string, place: Buffer): fs.BigIntStats {
    try {
      return fs.lstatSync(place, { bigint: true });
    } catch (error) {
      throw failedAt(path, error);
    }
  }

  #groupOf(stats: fs.BigIntStats, path: string): string {
    const key = `${stats.dev}:${stats.ino}`;
    const first = this.#firstByInode.get(key);
    if (first !== undefined) return first;
    this.#firstByInode.set(key, path);
    return path;
  }

  /** The hash is over the blocks that hold any byte but zero, so that it does not depend on where holes lie. */
  #readContent(path: Buffer, size: bigint): { sha256: string; extents: Extent[] } {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      const extents = native.dataExtents(fd, size);
      const hash = createHash('sha256');
      let position = 0n;
      for (const extent of extents) {
        const start = extent.offset - (extent.offset % BLOCK_BYTES);
        if (start > position) position = start;
        while (position < extent.end) {
          const got = fs.readSync(fd, this.#buffer, 0, READ_BYTES, position);
          if (got === 0) break;
          this.#hashBlocks(hash, position, got);
          position += BigInt(got);
          if (got < READ_BYTES) break;
        }
      }
      return { sha256: hash.digest('hex'), extents };
    } finally {
      fs.closeSync(fd);
    }
  }

  #hashBlocks(hash: Hash, position: bigint, length: number): void {
    for (let start = 0; start < length; start += Number(BLOCK_BYTES)) {
      const block = this.#buffer.subarray(start, Math.min(start + Number(BLOCK_BYTES), length));
      if (block.equals(ZEROS.subarray(0, block.length))) continue;
      hash.update(`${position + BigInt(start)}:`).update(block);
    }
  }
}

export function describeTree(root: string | Buffer, options: DescribeOptions = {}): Map<string, EntryDescription> {
  const entries = new Map<string, EntryDescription>();
  for (const entry of new TreeDescriber(root, options).entries()) entries.set(entry.path, entry);
  return entries;
}
