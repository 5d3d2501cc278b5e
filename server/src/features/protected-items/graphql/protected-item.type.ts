import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DateTimeScalar, PathScalar } from '../../../platform/graphql/scalars.js';
import type { PreCheck, PreCheckStatus } from '../domain/pre-check.js';
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

const PreCheckStatusEnum: { readonly [S in PreCheckStatus]: S } = {
  PASSED: 'PASSED',
  WARNING: 'WARNING',
  CRITICAL: 'CRITICAL',
};
registerEnumType(PreCheckStatusEnum, { name: 'PreCheckStatus' });

@ObjectType('PreCheckProblem')
class PreCheckProblemType {
  @Field(() => PathScalar)
  path!: Uint8Array;
  @Field()
  message!: string;
}

@ObjectType('PreCheck', { description: 'Whether a backup could run as things were on the host.' })
class PreCheckType {
  @Field(() => PreCheckStatusEnum, {
    description: 'WARNING when some of the roots could not be read, CRITICAL when none could.',
  })
  status!: PreCheckStatus;
  @Field(() => DateTimeScalar)
  checkedAt!: number;
  @Field(() => [PreCheckProblemType])
  problems!: readonly PreCheckProblemType[];
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
  @Field(() => PreCheckType, { nullable: true, description: 'Null until the agent has looked.' })
  preCheck!: PreCheckType | null;
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
    preCheck: presentPreCheck(item.preCheck),
  };
}

function presentPreCheck(preCheck: PreCheck | undefined): PreCheckType | null {
  if (preCheck === undefined) return null;
  const { status, checkedAt, troubles } = preCheck;
  return { status, checkedAt, problems: troubles };
}
