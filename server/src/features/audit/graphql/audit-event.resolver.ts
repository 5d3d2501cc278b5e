import { HoldfastError } from '@holdfast/core/errors';
import { Arg, Args, Ctx, Query, Resolver } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { optional } from '../../../platform/graphql/mutation.js';
import { AUDIT_OUTCOMES, type AuditOutcome } from '../ports.js';
import { listAuditEvents } from '../use-cases/list-audit-events.js';
import { AuditEventConnection, AuditEventFilterInput, presentAuditEvent } from './audit-event.type.js';

@Resolver()
export class AuditEventResolver {
  @Query(() => AuditEventConnection)
  async auditEvents(
    @Ctx() ctx: GraphqlContext,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Arg('filter', () => AuditEventFilterInput, { nullable: true }) filter?: AuditEventFilterInput | null,
  ): Promise<object> {
    const wanted = {
      ...optional('actor', filter?.actor),
      ...optional('action', filter?.action),
      ...optional('outcome', parseOutcome(filter?.outcome)),
    };
    return presentPage(args, await listAuditEvents(ctx, wanted, toPageRequest(args)), presentAuditEvent);
  }
}

function parseOutcome(text: string | null | undefined): AuditOutcome | undefined {
  if (text === null || text === undefined) return undefined;
  const outcome = AUDIT_OUTCOMES.find((each) => each === text);
  if (outcome === undefined) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'AUDIT_OUTCOME',
      message: `An outcome is one of ${AUDIT_OUTCOMES.join(', ')}.`,
      details: { field: 'outcome' },
    });
  }
  return outcome;
}
