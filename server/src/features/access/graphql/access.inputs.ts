import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Field, ID, InputType } from 'type-graphql';
import { MutationInput } from '../../../platform/graphql/mutation.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { Role } from '../domain/roles.js';
import type { ScopeInput } from '../use-cases/resolve-scope.js';
import { RoleEnum } from './access.types.js';

@InputType('SignInInput')
export class SignInInput extends MutationInput {
  @Field()
  name!: string;
  @Field()
  password!: string;
}

@InputType('SignOutInput')
export class SignOutInput extends MutationInput {}

@InputType('CreateUserInput')
export class CreateUserInput extends MutationInput {
  @Field()
  name!: string;
  @Field()
  password!: string;
}

@InputType('AssignRoleInput', { description: 'Scope: at most one of the two; neither means the whole server.' })
export class AssignRoleInput extends MutationInput {
  @Field(() => ID)
  userId!: string;
  @Field(() => RoleEnum)
  role!: Role;
  @Field(() => ID, { nullable: true })
  subscriptionId?: string | null;
  @Field(() => ID, { nullable: true })
  vaultId?: string | null;
}

@InputType('RemoveRoleAssignmentInput')
export class RemoveRoleAssignmentInput extends MutationInput {
  @Field(() => ID)
  roleAssignmentId!: string;
}

@InputType('CreateApiTokenInput')
export class CreateApiTokenInput extends MutationInput {
  @Field()
  name!: string;
  @Field(() => DateTimeScalar)
  expiresAt!: number;
  @Field(() => RoleEnum, {
    description:
      "Narrows what the token may do to this role; the user's own rights stay the limit. No token makes users, roles or tokens.",
  })
  role!: Role;
  @Field(() => ID, { nullable: true })
  subscriptionId?: string | null;
  @Field(() => ID, { nullable: true })
  vaultId?: string | null;
}

@InputType('RevokeApiTokenInput')
export class RevokeApiTokenInput extends MutationInput {
  @Field(() => ID)
  apiTokenId!: string;
}

@InputType('RoleAssignmentFilter')
export class RoleAssignmentFilterInput {
  @Field(() => ID, { nullable: true })
  userId?: string | null;
  @Field(() => ID, { nullable: true })
  subscriptionId?: string | null;
  @Field(() => ID, { nullable: true })
  vaultId?: string | null;
}

/** An empty id is a mistake, not a missing one: that would mean the whole server. */
export function toScopeInput({ subscriptionId, vaultId }: ScopeIds): ScopeInput {
  return {
    ...(subscriptionId === undefined || subscriptionId === null
      ? {}
      : { subscriptionId: decodeGlobalIdOf('Subscription', subscriptionId) }),
    ...(vaultId === undefined || vaultId === null ? {} : { vaultId: decodeGlobalIdOf('Vault', vaultId) }),
  };
}

interface ScopeIds {
  readonly subscriptionId?: string | null;
  readonly vaultId?: string | null;
}
