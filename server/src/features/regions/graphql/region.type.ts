import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ID, ObjectType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { Region } from '../ports.js';

@ObjectType('Zone')
export class ZoneType {
  @Field(() => ID)
  id!: string;
  @Field()
  name!: string;
  /** Shown by ZoneResolver, to some. */
  storeUrl!: string;
}

@ObjectType('Region', { implements: NodeType })
export class RegionType extends NodeType {
  @Field()
  name!: string;
  @Field(() => [ZoneType])
  zones!: ZoneType[];
  @Field(() => DateTimeScalar)
  createdAt!: number;
}

export const RegionConnection = connectionType('Region', RegionType);

export function presentRegion(region: Region): RegionType {
  return {
    id: encodeGlobalId('Region', region.id),
    name: region.name,
    zones: region.zones.map((zone) => ({
      id: encodeGlobalId('Zone', zone.id),
      name: zone.name,
      storeUrl: zone.storeUrl,
    })),
    createdAt: region.createdAt,
  };
}
