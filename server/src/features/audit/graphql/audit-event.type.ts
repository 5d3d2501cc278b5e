import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { AuditEvent } from '../ports.js';

@ObjectType('AuditEvent', { implements: NodeType })
export class AuditEventType extends NodeType {
  @Field(() => DateTimeScalar)
  at!: number;
  @Field()
  actor!: string;
  @Field()
  action!: string;
  @Field(() => String, { nullable: true })
  targetType!: string | null;
  @Field(() => ID, { nullable: true })
  targetId!: string | null;
  @Field()
  outcome!: string;
  @Field(() => String, { nullable: true })
  reason!: string | null;
  @Field(() => String, { nullable: true })
  address!: string | null;
  @Field(() => Int, { description: 'How many of the same this event stands for; repeated refusals are counted.' })
  count!: number;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When the first of several was.' })
  firstAt!: number | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When the last of several was.' })
  lastAt!: number | null;
}

@InputType('AuditEventFilter')
export class AuditEventFilterInput {
  @Field(() => String, { nullable: true })
  actor?: string | null;
  @Field(() => String, { nullable: true })
  action?: string | null;
  @Field(() => String, { nullable: true })
  outcome?: string | null;
}

export const AuditEventConnection = connectionType('AuditEvent', AuditEventType);

export function presentAuditEvent(event: AuditEvent): AuditEventType {
  return {
    id: encodeGlobalId('AuditEvent', event.id),
    at: event.at,
    actor: event.actor,
    action: event.action,
    targetType: event.targetType ?? null,
    targetId:
      event.targetType === undefined || event.targetId === undefined
        ? null
        : encodeGlobalId(event.targetType, event.targetId),
    outcome: event.outcome,
    reason: event.reason ?? null,
    address: event.address ?? null,
    count: event.repeated.count,
    firstAt: event.repeated.firstAt ?? null,
    lastAt: event.repeated.lastAt ?? null,
  };
}
