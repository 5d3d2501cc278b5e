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

const SIGNED = 'As a signed 32-bit number: ids from 2147483648 on are negative.';

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
  @Field(() => Int)
  mode!: number;
  @Field(() => Int, { description: SIGNED })
  uid!: number;
  @Field(() => Int, { description: SIGNED })
  gid!: number;
  @Field(() => DateTimeScalar)
  modifiedAt!: number;
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
  return { ...entry, uid: entry.uid | 0, gid: entry.gid | 0, linkTarget: entry.linkTarget ?? null };
}
