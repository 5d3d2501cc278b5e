import DataLoader from 'dataloader';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import type { Job } from '../domain/job.js';
import { explainWaits } from '../use-cases/explain-wait.js';

const loaders = new WeakMap<GraphqlContext, DataLoader<Job, string | undefined>>();

/** Batched over one tick and never remembered: a live update's context lives long, and what a job waits for changes. */
export function loadWait(ctx: GraphqlContext, job: Job): Promise<string | undefined> {
  let loader = loaders.get(ctx);
  if (loader === undefined) {
    loader = new DataLoader((jobs: readonly Job[]) => explainWaits(ctx, jobs), { cache: false });
    loaders.set(ctx, loader);
  }
  return loader.load(job);
}
