import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import { SERVER } from '../../access/domain/scope.js';
import type { AuditEvent } from '../ports.js';

export async function getAuditEvent(ctx: Context, id: string): Promise<AuditEvent | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    await authorize(ctx, stores, 'audit.read', SERVER);
    return stores.audit.get(id);
  });
}
