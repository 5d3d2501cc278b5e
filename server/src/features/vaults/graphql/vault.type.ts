import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { DedupDomain, Redundancy, Vault, VaultKind } from '../domain/vault.js';

export const VaultKindEnum: { readonly [K in VaultKind]: K } = {
  RECOVERY_SERVICES: 'RECOVERY_SERVICES',
  BACKUP: 'BACKUP',
};
registerEnumType(VaultKindEnum, { name: 'VaultKind' });
export const RedundancyEnum: { readonly [R in Redundancy]: R } = { LRS: 'LRS' };
registerEnumType(RedundancyEnum, { name: 'Redundancy' });
export const DedupDomainEnum: { readonly [D in DedupDomain]: D } = { VAULT: 'VAULT', ITEM: 'ITEM' };
registerEnumType(DedupDomainEnum, { name: 'DedupDomain' });

/** The fields without decorators are what the field resolvers start from; they do not appear in the schema. */
@ObjectType('Vault', { implements: NodeType })
export class VaultType extends NodeType {
  vaultId!: string;
  subscriptionId!: string;
  regionId!: string;
  @Field()
  name!: string;
  @Field(() => VaultKindEnum)
  kind!: VaultKind;
  @Field(() => RedundancyEnum)
  redundancy!: Redundancy;
  @Field(() => DedupDomainEnum)
  dedupDomain!: DedupDomain;
  @Field(() => DateTimeScalar)
  createdAt!: number;
  @Field({ description: 'True once someone confirmed that the recovery kit was stored.' })
  recoveryKitConfirmed!: boolean;
}

export const VaultConnection = connectionType('Vault', VaultType);

export function presentVault(vault: Vault): VaultType {
  const { subscriptionId, regionId, name, kind, redundancy, dedupDomain, createdAt } = vault;
  return {
    id: encodeGlobalId('Vault', vault.id),
    vaultId: vault.id,
    subscriptionId,
    regionId,
    name,
    kind,
    redundancy,
    dedupDomain,
    createdAt,
    recoveryKitConfirmed: vault.recoveryKitConfirmedAt !== undefined,
  };
}
