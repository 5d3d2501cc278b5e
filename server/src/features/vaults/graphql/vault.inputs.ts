import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import type { DedupDomain, VaultKind } from '../domain/vault.js';
import { DedupDomainEnum, VaultKindEnum, VaultType } from './vault.type.js';

@InputType('VaultFilter')
export class VaultFilterInput {
  @Field(() => ID, { nullable: true })
  subscriptionId?: string | null;
  @Field(() => String, { nullable: true })
  name?: string | null;
}

@InputType('CreateVaultInput')
export class CreateVaultInput extends MutationInput {
  @Field(() => ID)
  subscriptionId!: string;
  @Field(() => ID)
  regionId!: string;
  @Field()
  name!: string;
  @Field(() => VaultKindEnum, { nullable: true, defaultValue: VaultKindEnum.RECOVERY_SERVICES })
  kind!: VaultKind | null;
  @Field(() => DedupDomainEnum, { nullable: true, defaultValue: DedupDomainEnum.VAULT })
  dedupDomain!: DedupDomain | null;
}

@ObjectType('CreateVaultPayload')
export class CreateVaultPayload extends MutationPayload {
  @Field(() => VaultType)
  vault!: VaultType;
  @Field({ description: 'Shown once. Store it away from this server.' })
  recoveryKit!: string;
}

@InputType('ConfirmRecoveryKitInput')
export class ConfirmRecoveryKitInput extends MutationInput {
  @Field(() => ID)
  vaultId!: string;
  @Field({ description: 'From where it is stored. It is compared with what opens the vault, and not kept.' })
  recoveryKit!: string;
}

@ObjectType('ConfirmRecoveryKitPayload')
export class ConfirmRecoveryKitPayload extends MutationPayload {
  @Field(() => VaultType)
  vault!: VaultType;
}
