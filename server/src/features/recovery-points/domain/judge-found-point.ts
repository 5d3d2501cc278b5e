import type { PointStatement, RecoveryPoint } from './recovery-point.js';

export type QuarantineReason = 'NOT_OURS' | 'OTHER_VAULT' | 'UNKNOWN_ITEM' | 'INCOMPLETE' | 'FORKED';

export type Judgement =
  | { readonly kind: 'known' }
  | { readonly kind: 'adopt' }
  | { readonly kind: 'quarantine'; readonly reason: QuarantineReason };

export interface FoundPointFacts {
  /** Absent when this server did not sign it. */
  readonly point?: PointStatement;
  readonly vaultId: string;
  readonly knownInCatalog: boolean;
  /** Everything that the point reaches is in the store. */
  readonly complete: boolean;
  readonly itemExists: boolean;
  /** The catalog's point at the same sequence, and the one before it. */
  readonly atSequence?: Pick<RecoveryPoint, 'id'>;
  readonly before?: Pick<RecoveryPoint, 'objectSha256'>;
}

/**
 * What to do with a point object in the store. One without a row is taken in if it is whole and has its place in the
 * item's chain; anything else is set aside for a person to look at. Nothing is ever deleted.
 */
export function judgeFoundPoint(facts: FoundPointFacts): Judgement {
  const { point } = facts;
  if (!point) return { kind: 'quarantine', reason: 'NOT_OURS' };
  if (point.vaultId !== facts.vaultId) return { kind: 'quarantine', reason: 'OTHER_VAULT' };
  if (facts.knownInCatalog) return { kind: 'known' };
  if (!facts.itemExists) return { kind: 'quarantine', reason: 'UNKNOWN_ITEM' };
  if (!facts.complete) return { kind: 'quarantine', reason: 'INCOMPLETE' };
  if (facts.atSequence || !linksTo(point, facts.before)) return { kind: 'quarantine', reason: 'FORKED' };
  return { kind: 'adopt' };
}

/** Without the previous point in the catalog the link cannot be checked, and is left standing. */
function linksTo(point: PointStatement, before: Pick<RecoveryPoint, 'objectSha256'> | undefined): boolean {
  if (point.sequence === 1) return point.previousSha256 === undefined;
  if (point.previousSha256 === undefined) return false;
  return before === undefined || before.objectSha256.equals(point.previousSha256);
}
