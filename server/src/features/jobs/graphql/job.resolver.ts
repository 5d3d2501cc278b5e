import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import type { OrderDirection } from '../../../platform/graphql/order.js';
import { OrderDirectionEnum } from '../../../platform/graphql/order.js';
import { AgentType, presentAgent } from '../../agents/graphql/agent.type.js';
import { presentSubscription, SubscriptionType } from '../../subscriptions/graphql/subscription.type.js';
import { cancelJob } from '../use-cases/cancel-job.js';
import { getJob, listJobNotices, requireJob } from '../use-cases/get-job.js';
import { listJobs } from '../use-cases/list-jobs.js';
import { watchJob, watchJobs } from '../use-cases/watch-jobs.js';
import { CancelJobInput, CancelJobPayload, JobFilterInput, toJobFilter } from './job.inputs.js';
import {
  JobConnection,
  JobNoticeType,
  JobProgressType,
  JobType,
  presentJob,
  presentNotice,
  presentProgress,
} from './job.type.js';
import { loadWait } from './wait-loader.js';

interface LiveArgs {
  readonly args: Record<string, string>;
  readonly context: GraphqlContext;
}

@Resolver(() => JobType)
export class JobResolver {
  @Query(() => JobConnection)
  async jobs(
    @Ctx() ctx: GraphqlContext,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Arg('filter', () => JobFilterInput, { nullable: true }) filter?: JobFilterInput | null,
    @Arg('orderBy', () => OrderDirectionEnum, { nullable: true, defaultValue: 'DESC' }) orderBy?: OrderDirection | null,
  ): Promise<object> {
    return presentPage(
      args,
      await listJobs(ctx, toJobFilter(filter), toPageRequest(args, orderBy ?? 'DESC')),
      presentJob,
    );
  }

  @Query(() => JobType, { nullable: true })
  async job(@Ctx() ctx: GraphqlContext, @Arg('id', () => ID) id: string): Promise<JobType | null> {
    const job = await getJob(ctx, decodeGlobalIdOf('Job', id));
    return job === undefined ? null : presentJob(job);
  }

  @Mutation(() => CancelJobPayload)
  async cancelJob(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => CancelJobInput) input: CancelJobInput,
  ): Promise<CancelJobPayload> {
    return { job: presentJob(await cancelJob(ctx, { jobId: decodeGlobalIdOf('Job', input.jobId) })) };
  }

  @Subscription(() => JobType, {
    subscribe: ({ args, context }: LiveArgs) => watchJob(context, { jobId: decodeGlobalIdOf('Job', args.id ?? '') }),
  })
  async jobUpdated(
    @Root() jobId: string,
    @Ctx() ctx: GraphqlContext,
    @Arg('id', () => ID) _id: string,
  ): Promise<JobType> {
    return presentJob(await requireJob(ctx, jobId));
  }

  @Subscription(() => JobType, {
    subscribe: ({ args, context }: LiveArgs) =>
      watchJobs(context, { subscriptionId: decodeGlobalIdOf('Subscription', args.subscriptionId ?? '') }),
  })
  async jobsUpdated(
    @Root() jobId: string,
    @Ctx() ctx: GraphqlContext,
    @Arg('subscriptionId', () => ID) _subscriptionId: string,
  ): Promise<JobType> {
    return presentJob(await requireJob(ctx, jobId));
  }

  @FieldResolver(() => SubscriptionType)
  async subscription(@Root() { job }: JobType, @Ctx() ctx: GraphqlContext): Promise<SubscriptionType | undefined> {
    const found = await ctx.loaders.load('subscription', job.subscriptionId, (stores, ids) =>
      stores.subscriptions.getMany(ids),
    );
    return found && presentSubscription(found);
  }

  @FieldResolver(() => AgentType)
  async agent(@Root() { job }: JobType, @Ctx() ctx: GraphqlContext): Promise<AgentType | undefined> {
    const found = await ctx.loaders.load('agent', job.agentId, (stores, ids) => stores.agents.getMany(ids));
    return found && presentAgent(found, ctx.services.agents.connections);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'What a queued job waits for, or a running one cannot go on without.',
  })
  async waitingFor(@Root() { job }: JobType, @Ctx() ctx: GraphqlContext): Promise<string | null> {
    return (await loadWait(ctx, job)) ?? null;
  }

  @FieldResolver(() => JobProgressType)
  progress(@Root() { job }: JobType, @Ctx() ctx: GraphqlContext): JobProgressType {
    return presentProgress(job, ctx.services.jobs.progress.of(job.id));
  }

  @FieldResolver(() => [JobNoticeType])
  async notices(@Root() { job }: JobType, @Ctx() ctx: GraphqlContext): Promise<JobNoticeType[]> {
    return job.noticesTotal === 0 ? [] : (await listJobNotices(ctx, job.id)).map(presentNotice);
  }
}
