import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { authorize } from '../../access/authorize.js';
import { SERVER } from '../../access/domain/scope.js';
import type { AuditEvent, AuditFilter } from '../ports.js';

/** Newest first. The log spans all subscriptions, so it takes the right on the server. */
export async function listAuditEvents(ctx: Context, filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>> {
  return ctx.unitOfWork.run(async (stores) => {
    await authorize(ctx, stores, 'audit.read', SERVER);
    return stores.audit.list(filter, { ...page, direction: 'DESC' });
  });
}
