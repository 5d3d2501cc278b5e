import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Arg, Args, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { BigIntScalar } from '../../../platform/graphql/scalars.js';
import { RoleScopeType } from '../../access/graphql/access.types.js';
import { presentRegion, RegionType } from '../../regions/graphql/region.type.js';
import { presentSubscription, SubscriptionType } from '../../subscriptions/graphql/subscription.type.js';
import { confirmRecoveryKit } from '../use-cases/confirm-recovery-kit.js';
import { createVault } from '../use-cases/create-vault.js';
import { getVault } from '../use-cases/get-vault.js';
import { listVaults } from '../use-cases/list-vaults.js';
import { loadVault, loadVaultTotals } from './load-vault.js';
import {
  ConfirmRecoveryKitInput,
  ConfirmRecoveryKitPayload,
  CreateVaultInput,
  CreateVaultPayload,
  VaultFilterInput,
} from './vault.inputs.js';
import { presentVault, presentVaultService, VaultConnection, VaultServiceType, VaultType } from './vault.type.js';
import { loadVaultService } from './vault-service-loader.js';

@Resolver(() => VaultType)
export class VaultResolver {
  @Query(() => VaultConnection)
  async vaults(
    @Ctx() ctx: GraphqlContext,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Arg('filter', () => VaultFilterInput, { nullable: true }) filter?: VaultFilterInput | null,
  ): Promise<object> {
    const wanted = {
      ...(filter?.subscriptionId ? { subscriptionId: decodeGlobalIdOf('Subscription', filter.subscriptionId) } : {}),
      ...(filter?.name ? { name: filter.name } : {}),
    };
    return presentPage(args, await listVaults(ctx, wanted, toPageRequest(args)), presentVault);
  }

  @Query(() => VaultType, { nullable: true })
  async vault(@Ctx() ctx: GraphqlContext, @Arg('id', () => ID) id: string): Promise<VaultType | null> {
    const vault = await getVault(ctx, decodeGlobalIdOf('Vault', id));
    return vault === undefined ? null : presentVault(vault);
  }

  @Mutation(() => CreateVaultPayload)
  async createVault(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => CreateVaultInput) input: CreateVaultInput,
  ): Promise<CreateVaultPayload> {
    const { vault, recoveryKit } = await createVault(ctx, {
      subscriptionId: decodeGlobalIdOf('Subscription', input.subscriptionId),
      regionId: decodeGlobalIdOf('Region', input.regionId),
      name: input.name,
      kind: input.kind ?? 'RECOVERY_SERVICES',
      dedupDomain: input.dedupDomain ?? 'VAULT',
    });
    return { vault: presentVault(vault), recoveryKit };
  }

  @Mutation(() => ConfirmRecoveryKitPayload)
  async confirmRecoveryKit(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => ConfirmRecoveryKitInput) input: ConfirmRecoveryKitInput,
  ): Promise<ConfirmRecoveryKitPayload> {
    const { recoveryKit } = input;
    const vaultId = decodeGlobalIdOf('Vault', input.vaultId);
    return { vault: presentVault(await confirmRecoveryKit(ctx, { vaultId, recoveryKit })) };
  }

  @FieldResolver(() => SubscriptionType)
  async subscription(@Root() root: VaultType, @Ctx() ctx: GraphqlContext): Promise<object | undefined> {
    const found = await ctx.loaders.load('subscription', root.subscriptionId, (stores, ids) =>
      stores.subscriptions.getMany(ids),
    );
    return found && presentSubscription(found);
  }

  @FieldResolver(() => RegionType)
  async region(@Root() root: VaultType, @Ctx() ctx: GraphqlContext): Promise<object | undefined> {
    const found = await ctx.loaders.load('region', root.regionId, (stores, ids) => stores.regions.getMany(ids));
    return found && presentRegion(found);
  }

  @FieldResolver(() => Int)
  async recoveryPointCount(@Root() root: VaultType, @Ctx() ctx: GraphqlContext): Promise<number> {
    return (await loadVaultTotals(ctx, root.vaultId)).recoveryPoints;
  }

  @FieldResolver(() => BigIntScalar)
  async storedBytes(@Root() root: VaultType, @Ctx() ctx: GraphqlContext): Promise<bigint> {
    return (await loadVaultTotals(ctx, root.vaultId)).storedBytes;
  }

  @FieldResolver(() => VaultServiceType)
  async service(@Root() { vaultId, storeUrl }: VaultType, @Ctx() ctx: GraphqlContext): Promise<VaultServiceType> {
    return presentVaultService(await loadVaultService(ctx, { vaultId, storeUrl }));
  }
}

@Resolver(() => RoleScopeType)
export class RoleScopeVaultResolver {
  @FieldResolver(() => VaultType, { nullable: true })
  async vault(@Root() root: RoleScopeType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    return root.vaultId === undefined ? null : loadVault(ctx, root.vaultId);
  }
}
