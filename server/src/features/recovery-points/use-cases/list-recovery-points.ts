import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { visibleScopes } from '../../access/authorize.js';
import type { RecoveryPoint } from '../domain/recovery-point.js';
import type { RecoveryPointFilter } from '../ports.js';

export async function listRecoveryPoints(
  ctx: Context,
  filter: RecoveryPointFilter,
  page: PageRequest,
): Promise<Page<RecoveryPoint>> {
  return ctx.unitOfWork.run(async (stores) =>
    stores.recoveryPoints.list(await visibleScopes(ctx, stores, 'point.read'), filter, page),
  );
}
