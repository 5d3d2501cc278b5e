import { HoldfastError } from '@holdfast/core/errors';
import type { BackupType } from '../../jobs/domain/job.js';
import type { ChainEnd, PointStatement, PointStatistics } from './recovery-point.js';

export interface CommitQuestion {
  readonly rootNode: Uint8Array;
  readonly type: BackupType;
  readonly basePointId?: string;
  readonly statistics: PointStatistics;
}

export interface CommitCircumstances {
  readonly pointId: string;
  readonly vaultId: string;
  readonly itemId: string;
  readonly domainId: string;
  readonly agentId: string;
  readonly jobId: string;
  readonly end?: ChainEnd;
  /** The base that the agent names, if the item has such a point. */
  readonly base?: { readonly id: string };
  /** Milliseconds since 1970. */
  readonly now: number;
}

const ID_BYTES = 32;

/**
 * The item's next point. Times within an item only grow, also when the clock was set back, so that "the
 * newest before" has one answer. Throws Validation for what an agent cannot mean.
 */
export function nextPoint(question: CommitQuestion, at: CommitCircumstances): PointStatement {
  if (question.rootNode.length !== ID_BYTES) throw refused('BAD_ROOT_NODE', 'The root node is not named by 32 bytes.');
  if (question.type === 'FULL' && question.basePointId !== undefined)
    throw refused('FULL_WITH_BASE', 'A FULL backup has no base.');
  if (question.type !== 'FULL' && question.basePointId === undefined)
    throw refused('BASE_MISSING', `A backup of type ${question.type} names its base.`);
  if (question.basePointId !== at.base?.id)
    throw refused('UNKNOWN_BASE', 'The base is not a recovery point of this item.');
  return {
    id: at.pointId,
    vaultId: at.vaultId,
    itemId: at.itemId,
    sequence: (at.end?.sequence ?? 0) + 1,
    ...(at.end && { previousSha256: at.end.objectSha256 }),
    backupType: question.type,
    committedAt: Math.max(at.now, (at.end?.committedAt ?? -1) + 1),
    rootNode: Buffer.from(question.rootNode),
    domainId: at.domainId,
    // Files are read while others write to them.
    consistency: 'CRASH',
    ...(question.basePointId !== undefined && { basePointId: question.basePointId }),
    agentId: at.agentId,
    jobId: at.jobId,
    statistics: question.statistics,
  };
}

/** Whether a prepared point still follows the item's newest one; if not, it must be prepared anew. */
export function followsChain(
  point: Pick<PointStatement, 'sequence' | 'previousSha256'>,
  end: ChainEnd | undefined,
): boolean {
  if (!end) return point.sequence === 1 && point.previousSha256 === undefined;
  return (
    point.sequence === end.sequence + 1 &&
    point.previousSha256 !== undefined &&
    point.previousSha256.equals(end.objectSha256)
  );
}

function refused(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code, message });
}
