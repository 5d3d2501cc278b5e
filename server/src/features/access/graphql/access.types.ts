import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import { ROLES, type Role } from '../domain/roles.js';
import type { Scope } from '../domain/scope.js';
import type { ApiToken, RoleAssignment, User } from '../ports.js';

/** The domain's list of roles in the shape that GraphQL's enums are made from. */
export const RoleEnum = Object.fromEntries(ROLES.map((role) => [role, role])) as { [R in Role]: R };
registerEnumType(RoleEnum, { name: 'Role' });

@ObjectType('User', { implements: NodeType })
export class UserType extends NodeType {
  @Field()
  name!: string;
  @Field(() => DateTimeScalar)
  createdAt!: number;
}

/** What the resolvers of `user` and `scope` start from; it does not appear in the schema. */
@ObjectType('RoleAssignment', { implements: NodeType })
export class RoleAssignmentType extends NodeType {
  userId!: string;
  scopeIds!: Scope;
  @Field(() => RoleEnum)
  role!: Role;
  @Field(() => DateTimeScalar)
  createdAt!: number;
}

@ObjectType('RoleScope', { description: 'Exactly one of the two is set; neither means the whole server.' })
export class RoleScopeType {
  subscriptionId?: string;
  vaultId?: string;
}

@ObjectType('Viewer')
export class ViewerType {
  @Field(() => UserType)
  user!: UserType;
  @Field(() => [RoleAssignmentType])
  roleAssignments!: RoleAssignmentType[];
  @Field(() => DateTimeScalar, { nullable: true })
  sessionExpiresAt!: number | null;
  @Field(() => RoleEnum, {
    nullable: true,
    description: 'What the API token that asks may do at most, whatever its user may.',
  })
  tokenRole?: Role;
  @Field(() => RoleScopeType, { nullable: true, description: 'Where the API token that asks may do it.' })
  tokenScope?: RoleScopeType;
}

@ObjectType('ApiToken', { implements: NodeType })
export class ApiTokenType extends NodeType {
  @Field()
  name!: string;
  @Field(() => DateTimeScalar)
  createdAt!: number;
  @Field(() => DateTimeScalar)
  expiresAt!: number;
  @Field(() => RoleEnum)
  role!: Role;
}

export const RoleAssignmentConnection = connectionType('RoleAssignment', RoleAssignmentType);

export function presentUser(user: User): UserType {
  return { id: encodeGlobalId('User', user.id), name: user.name, createdAt: user.createdAt };
}

export function presentRoleAssignment(assignment: RoleAssignment): RoleAssignmentType {
  const { id, userId, role, scope, createdAt } = assignment;
  return { id: encodeGlobalId('RoleAssignment', id), userId, scopeIds: scope, role, createdAt };
}

export function presentApiToken(token: ApiToken): ApiTokenType {
  return {
    id: encodeGlobalId('ApiToken', token.id),
    name: token.name,
    createdAt: token.createdAt,
    expiresAt: token.expiresAt,
    role: token.role,
  };
}
