import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { presentSubscription, SubscriptionType } from '../../subscriptions/graphql/subscription.type.js';
import { assignRole } from '../use-cases/assign-role.js';
import { createApiToken } from '../use-cases/create-api-token.js';
import { createUser } from '../use-cases/create-user.js';
import { getViewer } from '../use-cases/get-viewer.js';
import { listRoleAssignments } from '../use-cases/list-role-assignments.js';
import { removeRoleAssignment } from '../use-cases/remove-role-assignment.js';
import { revokeApiToken } from '../use-cases/revoke-api-token.js';
import { asUser, signIn } from '../use-cases/sign-in.js';
import { signOut } from '../use-cases/sign-out.js';
import {
  AssignRoleInput,
  CreateApiTokenInput,
  CreateUserInput,
  RemoveRoleAssignmentInput,
  RevokeApiTokenInput,
  RoleAssignmentFilterInput,
  SignInInput,
  SignOutInput,
  toScopeInput,
} from './access.inputs.js';
import {
  AssignRolePayload,
  CreateApiTokenPayload,
  CreateUserPayload,
  presentSignedIn,
  RemoveRoleAssignmentPayload,
  RevokeApiTokenPayload,
  SignInPayload,
  SignOutPayload,
} from './access.payloads.js';
import {
  presentApiToken,
  presentRoleAssignment,
  presentUser,
  RoleAssignmentConnection,
  RoleAssignmentType,
  RoleScopeType,
  UserType,
  ViewerType,
} from './access.types.js';

@Resolver()
export class AccessResolver {
  @Query(() => ViewerType, { nullable: true })
  async me(@Ctx() ctx: GraphqlContext): Promise<ViewerType | null> {
    const viewer = await getViewer(ctx);
    if (viewer === undefined) return null;
    const ceiling = ctx.principal.kind === 'user' ? ctx.principal.ceiling : undefined;
    return {
      ...(ceiling && { tokenRole: ceiling.role, tokenScope: { ...ceiling.scope } }),
      user: presentUser(viewer.user),
      roleAssignments: viewer.roleAssignments.map(presentRoleAssignment),
      sessionExpiresAt: ctx.session.expiresAt ?? null,
    };
  }

  @Query(() => RoleAssignmentConnection)
  async roleAssignments(
    @Ctx() ctx: GraphqlContext,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Arg('filter', () => RoleAssignmentFilterInput, { nullable: true }) filter?: RoleAssignmentFilterInput | null,
  ): Promise<object> {
    const wanted = {
      ...toScopeInput(filter ?? {}),
      ...(filter?.userId ? { userId: decodeGlobalIdOf('User', filter.userId) } : {}),
    };
    return presentPage(args, await listRoleAssignments(ctx, wanted, toPageRequest(args)), presentRoleAssignment);
  }

  @Mutation(() => SignInPayload)
  async signIn(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => SignInInput) input: SignInInput,
  ): Promise<SignInPayload> {
    const signedIn = await signIn(ctx, { name: input.name, password: input.password });
    ctx.session.setToken(signedIn.token, signedIn.session.endsAt);
    const viewer = await getViewer(asUser(ctx, signedIn.user));
    return presentSignedIn(signedIn, viewer?.roleAssignments ?? []);
  }

  @Mutation(() => SignOutPayload)
  async signOut(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => SignOutInput) _input: SignOutInput,
  ): Promise<SignOutPayload> {
    await signOut(ctx);
    ctx.session.clearToken();
    return {};
  }

  @Mutation(() => CreateUserPayload)
  async createUser(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => CreateUserInput) input: CreateUserInput,
  ): Promise<CreateUserPayload> {
    return { user: presentUser(await createUser(ctx, { name: input.name, password: input.password })) };
  }

  @Mutation(() => AssignRolePayload)
  async assignRole(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => AssignRoleInput) input: AssignRoleInput,
  ): Promise<AssignRolePayload> {
    const wanted = { ...toScopeInput(input), userId: decodeGlobalIdOf('User', input.userId), role: input.role };
    return { roleAssignment: presentRoleAssignment(await assignRole(ctx, wanted)) };
  }

  @Mutation(() => RemoveRoleAssignmentPayload)
  async removeRoleAssignment(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => RemoveRoleAssignmentInput) input: RemoveRoleAssignmentInput,
  ): Promise<RemoveRoleAssignmentPayload> {
    const roleAssignmentId = decodeGlobalIdOf('RoleAssignment', input.roleAssignmentId);
    await removeRoleAssignment(ctx, { roleAssignmentId });
    return { roleAssignmentId: input.roleAssignmentId };
  }

  @Mutation(() => CreateApiTokenPayload)
  async createApiToken(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => CreateApiTokenInput) input: CreateApiTokenInput,
  ): Promise<CreateApiTokenPayload> {
    const { apiToken, token } = await createApiToken(ctx, {
      ...toScopeInput(input),
      name: input.name,
      role: input.role,
      expiresAt: input.expiresAt,
    });
    return { apiToken: presentApiToken(apiToken), token };
  }

  @Mutation(() => RevokeApiTokenPayload)
  async revokeApiToken(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => RevokeApiTokenInput) input: RevokeApiTokenInput,
  ): Promise<RevokeApiTokenPayload> {
    await revokeApiToken(ctx, { apiTokenId: decodeGlobalIdOf('ApiToken', input.apiTokenId) });
    return {};
  }
}

@Resolver(() => RoleAssignmentType)
export class RoleAssignmentResolver {
  @FieldResolver(() => UserType)
  async user(@Root() root: RoleAssignmentType, @Ctx() ctx: GraphqlContext): Promise<UserType | undefined> {
    const user = await ctx.loaders.load('user', root.userId, (stores, ids) => stores.users.getMany(ids));
    return user === undefined ? undefined : presentUser(user);
  }

  @FieldResolver(() => RoleScopeType)
  scope(@Root() root: RoleAssignmentType): RoleScopeType {
    return { ...root.scopeIds };
  }
}

@Resolver(() => RoleScopeType)
export class RoleScopeResolver {
  @FieldResolver(() => SubscriptionType, { nullable: true })
  async subscription(@Root() root: RoleScopeType, @Ctx() ctx: GraphqlContext): Promise<SubscriptionType | null> {
    if (root.subscriptionId === undefined || root.vaultId !== undefined) return null;
    const found = await ctx.loaders.load('subscription', root.subscriptionId, (stores, ids) =>
      stores.subscriptions.getMany(ids),
    );
    return found === undefined ? null : presentSubscription(found);
  }
}
