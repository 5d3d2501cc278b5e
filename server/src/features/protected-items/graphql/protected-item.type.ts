import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DateTimeScalar, PathScalar } from '../../../platform/graphql/scalars.js';
import type { ProtectedItem, ProtectionState, Workload } from '../domain/protected-item.js';

export const ProtectionStateEnum: { readonly [S in ProtectionState]: S } = {
  PENDING: 'PENDING',
  PROTECTED: 'PROTECTED',
  STOPPED: 'STOPPED',
};
registerEnumType(ProtectionStateEnum, { name: 'ProtectionState' });
const WorkloadEnum: { readonly [W in Workload]: W } = { FILES: 'FILES' };
registerEnumType(WorkloadEnum, { name: 'Workload' });

@ObjectType('FilesDatasource')
export class FilesDatasourceType {
  @Field(() => [PathScalar])
  roots!: readonly Buffer[];
  @Field(() => [PathScalar])
  include!: readonly Buffer[];
  @Field(() => [PathScalar])
  exclude!: readonly Buffer[];
  @Field()
  oneFileSystem!: boolean;
}

@ObjectType('ProtectedItem', { implements: NodeType })
export class ProtectedItemType extends NodeType {
  /** What the resolvers of other fields start from; it does not appear in the schema. */
  item!: ProtectedItem;
  @Field()
  name!: string;
  @Field(() => WorkloadEnum)
  workload!: Workload;
  @Field(() => FilesDatasourceType)
  files!: FilesDatasourceType;
  @Field(() => ProtectionStateEnum)
  protectionState!: ProtectionState;
  @Field(() => DateTimeScalar, { nullable: true })
  nextBackupAt!: number | null;
  @Field(() => DateTimeScalar)
  createdAt!: number;
}

export const ProtectedItemConnection = connectionType('ProtectedItem', ProtectedItemType);

export function presentProtectedItem(item: ProtectedItem): ProtectedItemType {
  return {
    id: encodeGlobalId('ProtectedItem', item.id),
    item,
    name: item.name,
    workload: item.workload,
    files: item.files,
    protectionState: item.state,
    nextBackupAt: item.nextBackupAt ?? null,
    createdAt: item.createdAt,
  };
}
