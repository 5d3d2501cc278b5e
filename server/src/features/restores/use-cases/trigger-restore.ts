import { EntryType, type FetchNode, resolvePath } from '@holdfast/core/engine';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { bytesToText } from '../../../platform/path-text.js';
import { authorize } from '../../access/authorize.js';
import type { Job } from '../../jobs/domain/job.js';
import { enqueueJob } from '../../jobs/use-cases/enqueue-job.js';
import { splitPath } from '../../protected-items/domain/absolute-path.js';
import { invalidInput } from '../../protected-items/domain/invalid-input.js';
import type { RecoveryPoint } from '../../recovery-points/domain/recovery-point.js';
import { requirePoint } from '../../recovery-points/use-cases/require-point.js';
import type { Stores } from '../../stores.js';
import { noSuchThing } from '../../vaults/use-cases/require-vault.js';
import { domainAccess } from '../../vaults/use-cases/vault-keys.js';
import { toPayload } from '../domain/restore-payload.js';
import { planRestore, type RestorePlan, type RestoreRequest } from '../domain/restore-plan.js';

export interface TriggerRestoreInput extends RestoreRequest {
  readonly recoveryPointId: string;
}

// Each costs a walk through the tree; with more it is the restore itself that finds out.
const MOST_PATHS_LOOKED_UP = 50;

/**
 * Queues a restore. The caller needs the right to read from the point's vault and the right to write where the target
 * agent is. Paths that the point does not have are refused here where looking is cheap.
 */
export async function triggerRestore(ctx: Context, input: TriggerRestoreInput): Promise<Job> {
  const { plan, point, fetchNode } = await ctx.unitOfWork.run(async (stores) => {
    const { point, vault, plan } = await admit(ctx, stores, input);
    const access = await domainAccess(ctx, stores, vault, point.domainId);
    return {
      plan,
      point,
      fetchNode: ctx.services.nodes.fetcher({ vaultId: vault.id, storeUrl: vault.storeUrl }, access),
    };
  });
  await lookUpPaths(point, plan, fetchNode);
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const { vault } = await admit(ctx, stores, input);
    const job = await enqueueJob(ctx, stores, transaction, {
      kind: 'RESTORE',
      subscriptionId: vault.subscriptionId,
      vaultId: vault.id,
      protectedItemId: point.itemId,
      agentId: plan.agentId,
      recoveryPointId: point.id,
      payload: toPayload(plan),
    });
    await stores.audit.append(ctx, {
      action: 'triggerRestore',
      outcome: 'SUCCEEDED',
      target: { type: 'Job', id: job.id },
    });
    return job;
  });
}

async function admit(ctx: Context, stores: Stores, input: TriggerRestoreInput) {
  const { point, vault } = await requirePoint(ctx, stores, 'restore.read-source', input.recoveryPointId);
  const item = await stores.protectedItems.get(point.itemId);
  if (!item) throw noSuchThing();
  const plan = planRestore(input, item.agentId);
  const agent = await stores.agents.get(plan.agentId);
  if (!agent) throw noSuchThing();
  await authorize(ctx, stores, 'restore.write-target', { subscriptionId: agent.subscriptionId });
  if (agent.revokedAt !== undefined)
    throw invalidInput('target.agentId', 'AGENT_REVOKED', 'The agent that would write is revoked.');
  return { point, vault, plan };
}

/** Only what is certain is refused: when the nodes cannot be read now, the job will meet that itself. */
async function lookUpPaths(point: RecoveryPoint, plan: RestorePlan, fetchNode: FetchNode): Promise<void> {
  try {
    const base = await entryAt(point, plan.base, fetchNode);
    if (base === 'absent') throw noSuchPath('target.base', plan.base);
    if (base === 'not-a-directory')
      throw invalidInput(
        'target.base',
        'NOT_A_DIRECTORY',
        `${bytesToText(plan.base)} is not a directory in the recovery point.`,
      );
    for (const path of plan.select.slice(0, MOST_PATHS_LOOKED_UP)) {
      if ((await entryAt(point, path, fetchNode)) === 'absent') throw noSuchPath('select', path);
    }
  } catch (error) {
    if (['Unavailable', 'Timeout', 'Integrity'].some((kind) => isHoldfastError(error) && error.kind === kind)) return;
    throw error;
  }
}

async function entryAt(
  point: RecoveryPoint,
  path: Buffer,
  fetchNode: FetchNode,
): Promise<'directory' | 'not-a-directory' | 'absent'> {
  const names = splitPath(path);
  if (names.length === 0) return 'directory';
  const entry = await resolvePath(point.rootNode, names, fetchNode);
  if (!entry) return 'absent';
  return entry.type === EntryType.ENTRY_TYPE_DIRECTORY ? 'directory' : 'not-a-directory';
}

function noSuchPath(field: string, path: Buffer): HoldfastError {
  const text = bytesToText(path);
  return new HoldfastError({
    kind: 'NotFound',
    code: 'NO_SUCH_PATH',
    message: `The recovery point has no ${text}.`,
    details: { field, path: text },
  });
}
