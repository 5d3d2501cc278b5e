import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { AgentType, presentAgent } from '../../agents/graphql/agent.type.js';
import { JobType, presentJob } from '../../jobs/graphql/job.type.js';
import { PolicyType, presentPolicy } from '../../policies/graphql/policy.type.js';
import { loadNewestPoint, loadRecoveryPoint } from '../../recovery-points/graphql/load-recovery-point.js';
import { RecoveryPointType } from '../../recovery-points/graphql/recovery-point.type.js';
import { loadVault } from '../../vaults/graphql/load-vault.js';
import { VaultType } from '../../vaults/graphql/vault.type.js';
import { backupNow } from '../use-cases/backup-now.js';
import { configureProtection } from '../use-cases/configure-protection.js';
import { getProtectedItem } from '../use-cases/get-protected-item.js';
import { listProtectedItems } from '../use-cases/list-protected-items.js';
import { stopProtection } from '../use-cases/stop-protection.js';
import { loadLastBackup, loadProtectedItem } from './load-protected-item.js';
import {
  BackupNowInput,
  BackupNowPayload,
  ConfigureProtectionInput,
  ConfigureProtectionPayload,
  ProtectedItemFilterInput,
  StopProtectionInput,
  StopProtectionPayload,
  toItemFilter,
} from './protected-item.inputs.js';
import { ProtectedItemConnection, ProtectedItemType, presentProtectedItem } from './protected-item.type.js';

@Resolver(() => ProtectedItemType)
export class ProtectedItemResolver {
  @Query(() => ProtectedItemConnection)
  async protectedItems(
    @Ctx() ctx: GraphqlContext,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Arg('filter', () => ProtectedItemFilterInput, { nullable: true }) filter?: ProtectedItemFilterInput | null,
  ): Promise<object> {
    return presentPage(
      args,
      await listProtectedItems(ctx, toItemFilter(filter), toPageRequest(args)),
      presentProtectedItem,
    );
  }

  @Query(() => ProtectedItemType, { nullable: true })
  async protectedItem(@Ctx() ctx: GraphqlContext, @Arg('id', () => ID) id: string): Promise<object | null> {
    const item = await getProtectedItem(ctx, decodeGlobalIdOf('ProtectedItem', id));
    return item === undefined ? null : presentProtectedItem(item);
  }

  @Mutation(() => ConfigureProtectionPayload)
  async configureProtection(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => ConfigureProtectionInput) input: ConfigureProtectionInput,
  ): Promise<ConfigureProtectionPayload> {
    const { roots, include, exclude, oneFileSystem } = input.files;
    const item = await configureProtection(ctx, {
      agentId: decodeGlobalIdOf('Agent', input.agentId),
      vaultId: decodeGlobalIdOf('Vault', input.vaultId),
      ...(input.policyId ? { policyId: decodeGlobalIdOf('Policy', input.policyId) } : {}),
      name: input.name,
      files: { roots, include: include ?? [], exclude: exclude ?? [], oneFileSystem: oneFileSystem ?? false },
    });
    return { protectedItem: presentProtectedItem(item) };
  }

  @Mutation(() => StopProtectionPayload)
  async stopProtection(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => StopProtectionInput) input: StopProtectionInput,
  ): Promise<StopProtectionPayload> {
    const item = await stopProtection(ctx, {
      protectedItemId: decodeGlobalIdOf('ProtectedItem', input.protectedItemId),
      retainData: input.retainData,
    });
    return { protectedItem: presentProtectedItem(item) };
  }

  @Mutation(() => BackupNowPayload)
  async backupNow(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => BackupNowInput) input: BackupNowInput,
  ): Promise<BackupNowPayload> {
    return {
      job: presentJob(
        await backupNow(ctx, {
          protectedItemId: decodeGlobalIdOf('ProtectedItem', input.protectedItemId),
          type: input.type,
        }),
      ),
    };
  }

  @FieldResolver(() => AgentType)
  async agent(@Root() { item }: ProtectedItemType, @Ctx() ctx: GraphqlContext): Promise<object | undefined> {
    const found = await ctx.loaders.load('agent', item.agentId, (stores, ids) => stores.agents.getMany(ids));
    return found && presentAgent(found, ctx.services.agents.connections);
  }

  @FieldResolver(() => VaultType)
  vault(@Root() { item }: ProtectedItemType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    return loadVault(ctx, item.vaultId);
  }

  @FieldResolver(() => PolicyType, { nullable: true })
  async policy(@Root() { item }: ProtectedItemType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    const found =
      item.policyId === undefined
        ? undefined
        : await ctx.loaders.load('policy', item.policyId, (stores, ids) => stores.policies.getMany(ids));
    return found === undefined ? null : presentPolicy(found);
  }

  @FieldResolver(() => JobType, { nullable: true })
  async lastBackup(@Root() { item }: ProtectedItemType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    const job = await loadLastBackup(ctx, item.id);
    return job === undefined ? null : presentJob(job);
  }

  @FieldResolver(() => RecoveryPointType, { nullable: true })
  lastRecoveryPoint(@Root() { item }: ProtectedItemType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    return loadNewestPoint(ctx, item.id);
  }
}

/** What a job works on. */
@Resolver(() => JobType)
export class JobSubjectResolver {
  @FieldResolver(() => VaultType)
  vault(@Root() { job }: JobType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    return loadVault(ctx, job.vaultId);
  }

  @FieldResolver(() => ProtectedItemType)
  protectedItem(@Root() { job }: JobType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    return loadProtectedItem(ctx, job.protectedItemId);
  }

  @FieldResolver(() => RecoveryPointType, { nullable: true })
  async recoveryPoint(@Root() { job }: JobType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    return job.recoveryPointId === undefined ? null : loadRecoveryPoint(ctx, job.recoveryPointId);
  }
}
