import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ObjectType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DOMAIN_SUBSCRIPTION } from '../../../platform/graphql/root-names.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { Subscription } from '../ports.js';

@ObjectType(DOMAIN_SUBSCRIPTION, { implements: NodeType })
export class SubscriptionType extends NodeType {
  @Field()
  name!: string;
  @Field(() => DateTimeScalar)
  createdAt!: number;
}

export const SubscriptionConnection = connectionType('Subscription', SubscriptionType);

export function presentSubscription(subscription: Subscription): SubscriptionType {
  return {
    id: encodeGlobalId('Subscription', subscription.id),
    name: subscription.name,
    createdAt: subscription.createdAt,
  };
}
