import { EntryType, type FetchNode, resolvePath, type TreeEntry } from '@holdfast/core/engine';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { bytesToText } from '../../../platform/path-text.js';
import { normaliseAbsolutePath, splitPath } from '../../protected-items/domain/absolute-path.js';
import { invalidInput } from '../../protected-items/domain/invalid-input.js';
import { domainAccess } from '../../vaults/use-cases/vault-keys.js';
import { decodeBrowseCursor, encodeBrowseCursor } from '../browse/browse-cursor.js';
import { entriesAfter } from '../browse/entries-after.js';
import { presentEntry } from '../browse/present-entry.js';
import type { BrowseEntry } from '../domain/browse-entry.js';
import type { RecoveryPoint } from '../domain/recovery-point.js';
import { requirePoint } from './require-point.js';

export interface BrowseInput {
  readonly recoveryPointId: string;
  readonly path: Uint8Array;
  readonly page: PageRequest;
}

const MOST_ENTRIES = 200;

/**
 * The entries of one directory of a point, in order of their names. Opens nodes with the vault's key, so it is a
 * permission of its own and audited. Throws NotFound with the path, Integrity where the stored nodes are damaged.
 */
export async function browseRecoveryPoint(ctx: Context, input: BrowseInput): Promise<Page<BrowseEntry>> {
  const { first, after } = checkPage(input.page);
  const check = normaliseAbsolutePath(input.path);
  if ('problem' in check) throw invalidInput('path', 'BAD_PATH', check.problem);
  const { point, fetchNode } = await ctx.unitOfWork.run(async (stores) => {
    const { point, vault } = await requirePoint(ctx, stores, 'point.browse', input.recoveryPointId);
    const access = await domainAccess(ctx, stores, vault, point.domainId);
    await stores.audit.append(ctx, {
      action: 'browseRecoveryPoint',
      outcome: 'SUCCEEDED',
      target: { type: 'RecoveryPoint', id: point.id },
    });
    return { point, fetchNode: ctx.services.nodes.fetcher({ vaultId: vault.id, storeUrl: vault.storeUrl }, access) };
  });
  return namingThePath(check.path, async () => {
    const directory = await directoryAt(point, check.path, fetchNode);
    if (!directory) return { items: [], hasNextPage: false };
    const entries = await firstOf(entriesAfter(directory, after, fetchNode), first + 1);
    const items = entries
      .slice(0, first)
      .map((entry) => ({ cursor: encodeBrowseCursor(entry.name), item: presentEntry(check.path, entry) }));
    return { items, hasNextPage: entries.length > first };
  });
}

/** The directory's node; undefined for one that the backup could not read. */
async function directoryAt(point: RecoveryPoint, path: Buffer, fetchNode: FetchNode): Promise<Buffer | undefined> {
  const names = splitPath(path);
  if (names.length === 0) return point.rootNode;
  const entry = await resolvePath(point.rootNode, names, fetchNode);
  const text = bytesToText(path);
  if (!entry)
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'NO_SUCH_PATH',
      message: `The recovery point has no ${text}.`,
      details: { path: text },
    });
  if (entry.type !== EntryType.ENTRY_TYPE_DIRECTORY)
    throw invalidInput('path', 'NOT_A_DIRECTORY', `${text} is not a directory in the recovery point.`);
  return entry.content?.id;
}

async function namingThePath<T>(path: Buffer, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isHoldfastError(error, 'Integrity')) throw error;
    const text = bytesToText(path);
    throw new HoldfastError({
      kind: 'Integrity',
      code: error.code,
      message: `${text} cannot be listed: ${error.message}`,
      details: { ...error.details, path: text },
      cause: error,
    });
  }
}

async function firstOf(entries: AsyncGenerator<TreeEntry>, count: number): Promise<TreeEntry[]> {
  const taken: TreeEntry[] = [];
  for await (const entry of entries) {
    taken.push(entry);
    if (taken.length === count) break;
  }
  return taken;
}

function checkPage({ first, after }: PageRequest): { first: number; after: Buffer | undefined } {
  if (!Number.isInteger(first) || first < 1 || first > MOST_ENTRIES)
    throw new HoldfastError({
      kind: 'Validation',
      code: 'PAGE_SIZE',
      message: `A page has 1 to ${MOST_ENTRIES} entries.`,
    });
  return { first, after: after === undefined ? undefined : decodeBrowseCursor(after) };
}
