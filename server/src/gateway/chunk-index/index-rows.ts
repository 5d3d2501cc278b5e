import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes } from '@holdfast/core/ids';
import type { Pack, Point, StoredFrame } from './chunk-index.js';
import type { FrameRow, PackRow, PointRow } from './statements.js';

/** Stored as their place in these lists. */
export const SESSION_STATES = ['open', 'committed', 'ended', 'interrupted'] as const;
export const PACK_STATES = ['arriving', 'stored', 'leaked'] as const;
export const POINT_STATES = ['prepared', 'stored', 'recorded'] as const;

export const NO_BYTES = Buffer.alloc(0);

export function toPack(row: PackRow): Pack {
  return {
    number: row.number,
    id: uuidFromBytes(row.id),
    state: required(PACK_STATES[row.state]),
    kind: row.kind,
    domainId: row.domainId ? uuidFromBytes(row.domainId) : '',
    uploaderId: row.agentId ? uuidFromBytes(row.agentId) : '',
    session: row.session ?? 0,
    storedBytes: row.storedBytes,
    firstCopy: row.firstCopy,
    copies: row.copies,
    checked: row.checked === 1,
    sessionKey: row.sessionKey ?? NO_BYTES,
  };
}

export function toFrame(row: FrameRow): StoredFrame {
  const { ids, lengths, ...rest } = row;
  return { ...rest, chunkIds: ids, chunkLengths: lengths };
}

export function toPoint(row: PointRow): Point {
  return {
    id: uuidFromBytes(row.id),
    jobId: uuidFromBytes(row.job),
    root: row.root,
    signed: row.signed,
    state: required(POINT_STATES[row.state]),
  };
}

/** What must be there unless the index contradicts itself: then Integrity. */
export function required<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw contradiction();
  return value;
}

export function contradiction(): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: 'INDEX_INCONSISTENT',
    message: 'The chunk index contradicts itself.',
  });
}
