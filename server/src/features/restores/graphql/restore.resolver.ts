import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { presentJob } from '../../jobs/graphql/job.type.js';
import { triggerRestore } from '../use-cases/trigger-restore.js';
import { TriggerRestoreInput, TriggerRestorePayload, toWantedRestore } from './restore.inputs.js';

@Resolver()
export class RestoreResolver {
  @Mutation(() => TriggerRestorePayload)
  async triggerRestore(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => TriggerRestoreInput) input: TriggerRestoreInput,
  ): Promise<TriggerRestorePayload> {
    return { job: presentJob(await triggerRestore(ctx, toWantedRestore(input))) };
  }
}
