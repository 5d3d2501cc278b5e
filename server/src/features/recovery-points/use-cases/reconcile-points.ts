import { sha256 } from '@holdfast/core/engine';
import { asHoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes } from '@holdfast/core/ids';
import type { Context } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import { requireVault } from '../../vaults/use-cases/require-vault.js';
import { serverIdentity } from '../../vaults/use-cases/server-identity.js';
import { judgeFoundPoint } from '../domain/judge-found-point.js';
import { openPoint, type SignedPoint } from '../point-object.js';
import { takeIn } from './record-point.js';
import { requireGateway } from './require-gateway.js';

export interface FoundPoint {
  readonly signedPoint: Uint8Array;
  readonly complete: boolean;
}

export interface Reconciled {
  readonly adopted: string[];
  readonly quarantined: string[];
}

/**
 * Compares the point objects of a store with the catalog, oldest first so that chains link up. Idempotent: what was
 * adopted is known the next time, what was set aside stays set aside.
 */
export async function reconcilePoints(
  ctx: Context,
  input: { readonly vaultId: string; readonly points: readonly FoundPoint[] },
): Promise<Reconciled> {
  requireGateway(ctx);
  const { signingPublicKey } = await ctx.unitOfWork.run((stores) => serverIdentity(stores));
  const found = input.points.map((each) => ({ ...each, signed: openIfOurs(signingPublicKey, each.signedPoint) }));
  found.sort((a, b) => (a.signed?.point.sequence ?? 0) - (b.signed?.point.sequence ?? 0));
  const result: Reconciled = { adopted: [], quarantined: [] };
  for (const each of found) {
    const verdict = await ctx.unitOfWork.run((stores) => reconcileOne(ctx, stores, input.vaultId, each));
    if (verdict?.adopted) result.adopted.push(verdict.id);
    else if (verdict) result.quarantined.push(verdict.id);
  }
  return result;
}

async function reconcileOne(
  ctx: Context,
  stores: Stores,
  vaultId: string,
  found: FoundPoint & { readonly signed: SignedPoint | undefined },
) {
  const vault = await requireVault(ctx, stores, 'vault.read', vaultId);
  const point = found.signed?.point;
  const item = point && (await stores.protectedItems.get(point.itemId));
  const judgement = judgeFoundPoint({
    ...(point && { point }),
    vaultId,
    complete: found.complete,
    knownInCatalog: point !== undefined && (await stores.recoveryPoints.get(point.id)) !== undefined,
    itemExists: item?.vaultId === vaultId,
    ...(point && {
      atSequence: await stores.recoveryPoints.atSequence(point.itemId, point.sequence),
      before: await stores.recoveryPoints.atSequence(point.itemId, point.sequence - 1),
    }),
  });
  switch (judgement.kind) {
    case 'known':
      return undefined;
    case 'adopt':
      if (found.signed) await takeIn(ctx, stores, found.signed, vault.subscriptionId);
      ctx.log.info({ vaultId, pointId: point?.id }, 'point.adopted');
      return { adopted: true, id: point?.id ?? '' };
    case 'quarantine': {
      // An object that cannot be read has no id to trust; its content names it.
      const id = point?.id ?? uuidFromBytes(sha256(found.signedPoint).subarray(0, 16));
      await stores.recoveryPoints.quarantine({ id, vaultId, reason: judgement.reason, foundAt: ctx.clock.now() });
      ctx.log.warn({ vaultId, pointId: id, reason: judgement.reason }, 'point.quarantined');
      return { adopted: false, id };
    }
  }
}

function openIfOurs(signingPublicKey: Uint8Array, bytes: Uint8Array): SignedPoint | undefined {
  try {
    return openPoint(signingPublicKey, bytes);
  } catch (error) {
    if (asHoldfastError(error).kind === 'Internal') throw error;
    return undefined;
  }
}
