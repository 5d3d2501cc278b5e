import { Field, ID, ObjectType } from 'type-graphql';
import { MutationPayload } from '../../../platform/graphql/mutation.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { RoleAssignment } from '../ports.js';
import type { SignedIn } from '../use-cases/sign-in.js';
import {
  ApiTokenType,
  presentRoleAssignment,
  presentUser,
  RoleAssignmentType,
  UserType,
  ViewerType,
} from './access.types.js';

@ObjectType('SignInPayload')
export class SignInPayload extends MutationPayload {
  @Field(() => ViewerType)
  viewer!: ViewerType;
  @Field({ description: 'For clients without cookies: send as Bearer.' })
  token!: string;
  @Field(() => DateTimeScalar)
  expiresAt!: number;
}

@ObjectType('SignOutPayload')
export class SignOutPayload extends MutationPayload {}

@ObjectType('CreateUserPayload')
export class CreateUserPayload extends MutationPayload {
  @Field(() => UserType)
  user!: UserType;
}

@ObjectType('AssignRolePayload')
export class AssignRolePayload extends MutationPayload {
  @Field(() => RoleAssignmentType)
  roleAssignment!: RoleAssignmentType;
}

@ObjectType('RemoveRoleAssignmentPayload')
export class RemoveRoleAssignmentPayload extends MutationPayload {
  @Field(() => ID)
  roleAssignmentId!: string;
}

@ObjectType('CreateApiTokenPayload')
export class CreateApiTokenPayload extends MutationPayload {
  @Field(() => ApiTokenType)
  apiToken!: ApiTokenType;
  @Field({ description: 'Shown once.' })
  token!: string;
}

@ObjectType('RevokeApiTokenPayload')
export class RevokeApiTokenPayload extends MutationPayload {}

export function presentSignedIn(signedIn: SignedIn, roleAssignments: readonly RoleAssignment[]): SignInPayload {
  const viewer = {
    user: presentUser(signedIn.user),
    roleAssignments: roleAssignments.map(presentRoleAssignment),
    sessionExpiresAt: signedIn.session.expiresAt,
  };
  return { viewer, token: signedIn.token, expiresAt: signedIn.session.expiresAt };
}
