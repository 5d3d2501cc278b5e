import { ArgsType, Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { BigIntScalar, DateTimeScalar, PathScalar } from '../../../platform/graphql/scalars.js';
import type { BrowseEntry, EntryType } from '../domain/browse-entry.js';

const EntryTypeEnum: { readonly [T in EntryType]: T } = {
  FILE: 'FILE',
  DIRECTORY: 'DIRECTORY',
  SYMLINK: 'SYMLINK',
  FIFO: 'FIFO',
  SOCKET: 'SOCKET',
  CHARACTER_DEVICE: 'CHARACTER_DEVICE',
  BLOCK_DEVICE: 'BLOCK_DEVICE',
};
registerEnumType(EntryTypeEnum, { name: 'EntryType' });

const ABSENT = 'Null for a directory that was not backed up itself, but only leads to what was.';
const SIGNED = `As a signed 32-bit number: ids from 2147483648 on are negative. ${ABSENT}`;

@ObjectType('BrowseEntry')
export class BrowseEntryType {
  @Field(() => PathScalar)
  name!: Buffer;
  @Field(() => PathScalar)
  path!: Buffer;
  @Field(() => EntryTypeEnum)
  type!: EntryType;
  @Field(() => BigIntScalar)
  size!: bigint;
  @Field(() => Int, { nullable: true, description: ABSENT })
  mode!: number | null;
  @Field(() => Int, { nullable: true, description: SIGNED })
  uid!: number | null;
  @Field(() => Int, { nullable: true, description: SIGNED })
  gid!: number | null;
  @Field(() => DateTimeScalar, { nullable: true, description: ABSENT })
  modifiedAt!: number | null;
  @Field(() => PathScalar, { nullable: true })
  linkTarget!: Buffer | null;
}

export const BrowseConnection = connectionType('Browse', BrowseEntryType);

@ArgsType()
export class BrowseArgs {
  @Field(() => ID)
  id!: string;
  @Field(() => PathScalar, { defaultValue: Buffer.from('/') })
  path!: Buffer;
  @Field(() => Int, { nullable: true, defaultValue: 100 })
  first!: number | null;
  @Field(() => String, { nullable: true })
  after?: string | null;
}

export function presentBrowseEntry(entry: BrowseEntry): BrowseEntryType {
  const { metadata, linkTarget, ...rest } = entry;
  return {
    ...rest,
    mode: metadata?.mode ?? null,
    uid: metadata === undefined ? null : metadata.uid | 0,
    gid: metadata === undefined ? null : metadata.gid | 0,
    modifiedAt: metadata?.modifiedAt ?? null,
    linkTarget: linkTarget ?? null,
  };
}
