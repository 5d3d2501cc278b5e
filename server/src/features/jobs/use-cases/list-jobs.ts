import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { visibleScopes } from '../../access/authorize.js';
import type { Job } from '../domain/job.js';
import type { JobFilter } from '../ports.js';

export async function listJobs(ctx: Context, filter: JobFilter, page: PageRequest): Promise<Page<Job>> {
  return ctx.unitOfWork.run(async (stores) =>
    stores.jobs.list(await visibleScopes(ctx, stores, 'job.read'), filter, page),
  );
}
