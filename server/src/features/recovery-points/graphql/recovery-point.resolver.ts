import { decodeGlobalIdOf, encodeGlobalId } from '@holdfast/core/ids';
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { type OrderDirection, OrderDirectionEnum } from '../../../platform/graphql/order.js';
import { loadProtectedItem } from '../../protected-items/graphql/load-protected-item.js';
import { ProtectedItemType } from '../../protected-items/graphql/protected-item.type.js';
import { browseRecoveryPoint } from '../use-cases/browse-recovery-point.js';
import { deleteRecoveryPoint } from '../use-cases/delete-recovery-point.js';
import { getRecoveryPoint } from '../use-cases/get-recovery-point.js';
import { listRecoveryPoints } from '../use-cases/list-recovery-points.js';
import { BrowseArgs, BrowseConnection, presentBrowseEntry } from './browse.type.js';
import { loadRecoveryPoint } from './load-recovery-point.js';
import {
  DeleteRecoveryPointInput,
  DeleteRecoveryPointPayload,
  presentRecoveryPoint,
  RecoveryPointConnection,
  RecoveryPointFilterInput,
  RecoveryPointType,
} from './recovery-point.type.js';

const NOTICE =
  'The recovery point is marked as deleted and can no longer be restored. The space that it alone takes comes back once garbage collection exists.';

@Resolver(() => RecoveryPointType)
export class RecoveryPointResolver {
  @Query(() => RecoveryPointConnection)
  async recoveryPoints(
    @Ctx() ctx: GraphqlContext,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Arg('filter', () => RecoveryPointFilterInput, { nullable: true }) filter?: RecoveryPointFilterInput | null,
    @Arg('orderBy', () => OrderDirectionEnum, { nullable: true, defaultValue: 'DESC' }) orderBy?: OrderDirection | null,
  ): Promise<object> {
    const wanted = {
      ...(filter?.protectedItemId
        ? { protectedItemId: decodeGlobalIdOf('ProtectedItem', filter.protectedItemId) }
        : {}),
      ...(filter?.vaultId ? { vaultId: decodeGlobalIdOf('Vault', filter.vaultId) } : {}),
    };
    return presentPage(
      args,
      await listRecoveryPoints(ctx, wanted, toPageRequest(args, orderBy ?? 'DESC')),
      presentRecoveryPoint,
    );
  }

  @Query(() => RecoveryPointType, { nullable: true })
  async recoveryPoint(@Ctx() ctx: GraphqlContext, @Arg('id', () => ID) id: string): Promise<object | null> {
    const point = await getRecoveryPoint(ctx, decodeGlobalIdOf('RecoveryPoint', id));
    return point === undefined ? null : presentRecoveryPoint(point);
  }

  @Query(() => BrowseConnection)
  async browseRecoveryPoint(@Ctx() ctx: GraphqlContext, @Args(() => BrowseArgs) args: BrowseArgs): Promise<object> {
    const page = { first: args.first ?? 100, ...(args.after ? { after: args.after } : {}) };
    const recoveryPointId = decodeGlobalIdOf('RecoveryPoint', args.id);
    return presentPage(
      args,
      await browseRecoveryPoint(ctx, { recoveryPointId, path: args.path, page }),
      presentBrowseEntry,
    );
  }

  @Mutation(() => DeleteRecoveryPointPayload)
  async deleteRecoveryPoint(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => DeleteRecoveryPointInput) input: DeleteRecoveryPointInput,
  ): Promise<DeleteRecoveryPointPayload> {
    const point = await deleteRecoveryPoint(ctx, {
      recoveryPointId: decodeGlobalIdOf('RecoveryPoint', input.recoveryPointId),
    });
    return { recoveryPointId: encodeGlobalId('RecoveryPoint', point.id), notice: NOTICE };
  }

  @FieldResolver(() => ProtectedItemType)
  protectedItem(@Root() root: RecoveryPointType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    return loadProtectedItem(ctx, root.itemId);
  }

  @FieldResolver(() => RecoveryPointType, { nullable: true })
  async base(@Root() root: RecoveryPointType, @Ctx() ctx: GraphqlContext): Promise<object | null> {
    return root.basePointId === undefined ? null : loadRecoveryPoint(ctx, root.basePointId);
  }
}
