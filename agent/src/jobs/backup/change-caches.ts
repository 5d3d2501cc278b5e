import { readdirSync, rmSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../../state/atomic-file.js';
import { stateFailure } from '../../state/state-failure.js';
import type { BackupType, JobRef } from '../job.js';
import type { KnownCache, KnownCaches } from './plan-base.js';

const BOOK = 'caches.json';

/**
 * The change caches of one item, and a book that says which point each stands for. A cache counts from the moment the book names it, after
 * the commit: a crash at any moment leaves the old ones valid. All of it is a hint; what cannot be read is as good as absent.
 */
export class ChangeCaches {
  private constructor(
    private readonly folder: string,
    readonly known: KnownCaches,
  ) {}

  static async open(cacheFolder: string, itemId: string): Promise<ChangeCaches> {
    const folder = join(cacheFolder, itemId);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw stateFailure(cacheFolder, error);
    }
    return new ChangeCaches(folder, await readBook(join(folder, BOOK)));
  }

  pathOf(cache: Pick<KnownCache, 'file'>): string {
    return join(this.folder, cache.file);
  }

  /** Where a job writes what it sees. */
  draftOf(job: JobRef): string {
    return `${job.jobId}-${job.epoch}.changes`;
  }

  /** Where a job keeps what it asked about. */
  claimsOf(job: JobRef): string {
    return join(this.folder, `${job.jobId}-${job.epoch}.claims`);
  }

  /** The point is committed, and the cache durable: from now on it is what the next backup compares with. */
  async promote(cache: KnownCache, type: BackupType): Promise<void> {
    const full = type === 'FULL' ? cache : this.known.full;
    await writeFileDurably(join(this.folder, BOOK), JSON.stringify({ last: cache, ...(full && { full }) }));
    const kept = new Set([BOOK, cache.file, full?.file]);
    for (const name of readdirSync(this.folder)) if (!kept.has(name)) rmSync(join(this.folder, name), { force: true });
  }
}

async function readBook(path: string): Promise<KnownCaches> {
  try {
    const parsed = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    const last = asCache(parsed['last']);
    const full = asCache(parsed['full']);
    return { ...(last && { last }), ...(full && { full }) };
  } catch {
    return {};
  }
}

function asCache(value: unknown): KnownCache | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pointId, generation, domainId, damage, file } = value as Record<string, unknown>;
  if (typeof pointId !== 'string' || typeof generation !== 'string' || typeof domainId !== 'string') return undefined;
  if (typeof damage !== 'string') return undefined;
  if (typeof file !== 'string' || !/^[0-9a-f-]+\.changes$/.test(file)) return undefined;
  return { pointId, generation, domainId, damage, file };
}
