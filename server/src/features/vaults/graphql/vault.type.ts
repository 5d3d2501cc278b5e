import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { VaultService } from '../../../platform/gateway-client.js';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { BigIntScalar, DateTimeScalar } from '../../../platform/graphql/scalars.js';
import { isLow } from '../domain/low-space.js';
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

const VaultServiceStateEnum: { readonly [S in VaultService['state']]: S } = {
  IN_SERVICE: 'IN_SERVICE',
  STARTING: 'STARTING',
  OUT_OF_SERVICE: 'OUT_OF_SERVICE',
};
registerEnumType(VaultServiceStateEnum, {
  name: 'VaultServiceState',
  description:
    'STARTING while the gateway opens the vault after its own start; OUT_OF_SERVICE when it cannot serve it.',
});

@ObjectType('StoreSpace', {
  description: 'Of the file system that a store lies on, with everything else that lies there.',
})
export class StoreSpaceType {
  @Field(() => BigIntScalar, { description: 'Bytes that may still be written.' })
  freeBytes!: bigint;
  @Field(() => BigIntScalar)
  totalBytes!: bigint;
  @Field({ description: 'Less is free than a tenth, or than 20 GiB where that is less: room should be made.' })
  low!: boolean;
}

@ObjectType('VaultService', { description: 'Whether the vault can be backed up to and restored from now.' })
export class VaultServiceType {
  @Field(() => VaultServiceStateEnum)
  state!: VaultService['state'];
  @Field(() => String, { nullable: true, description: 'A code such as INDEX_LOST; null unless out of service.' })
  reason!: string | null;
  @Field(() => String, { nullable: true, description: 'The reason in words; null unless out of service.' })
  message!: string | null;
  @Field(() => StoreSpaceType, {
    nullable: true,
    description: 'Null where the store cannot tell, and unless in service.',
  })
  space!: StoreSpaceType | null;
  @Field(() => Int, {
    nullable: true,
    description:
      'Packs that are missing or damaged and hold something of which the vault has no sound copy: recovery points that need it lack it. What a later backup sent again is not counted. Null before they were counted, and unless in service.',
  })
  lostPacks!: number | null;
}

/** The fields without decorators are what the field resolvers start from; they do not appear in the schema. */
@ObjectType('Vault', { implements: NodeType })
export class VaultType extends NodeType {
  vaultId!: string;
  subscriptionId!: string;
  regionId!: string;
  storeUrl!: string;
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

export function presentVaultService(service: VaultService): VaultServiceType {
  const { reason = null, message = null } = service.state === 'OUT_OF_SERVICE' ? service : {};
  const { space, lostPacks = null } = service.state === 'IN_SERVICE' ? service : {};
  return {
    state: service.state,
    reason,
    message,
    space: space === undefined ? null : { freeBytes: space.free, totalBytes: space.total, low: isLow(space) },
    lostPacks,
  };
}

export function presentVault(vault: Vault): VaultType {
  const { subscriptionId, regionId, storeUrl, name, kind, redundancy, dedupDomain, createdAt } = vault;
  return {
    id: encodeGlobalId('Vault', vault.id),
    vaultId: vault.id,
    subscriptionId,
    regionId,
    storeUrl,
    name,
    kind,
    redundancy,
    dedupDomain,
    createdAt,
    recoveryKitConfirmed: vault.recoveryKitConfirmedAt !== undefined,
  };
}
