import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { visibleScopes } from '../../access/authorize.js';
import type { Agent, AgentStatus } from '../domain/agent.js';
import type { AgentFilter } from '../ports.js';
import type { AgentConnections } from '../services.js';

export interface ListAgentsInput {
  readonly subscriptionId?: string;
  readonly status?: AgentStatus;
}

export async function listAgents(ctx: Context, input: ListAgentsInput, page: PageRequest): Promise<Page<Agent>> {
  const { connections } = ctx.services.agents;
  return ctx.unitOfWork.run(async (stores) => {
    const filter = {
      ...(input.subscriptionId === undefined ? {} : { subscriptionId: input.subscriptionId }),
      ...byStatus(input.status, connections),
    };
    return stores.agents.list(await visibleScopes(ctx, stores, 'agent.read'), filter, page);
  });
}

export function statusOf(agent: Agent, connections: AgentConnections): AgentStatus {
  if (agent.revokedAt !== undefined) return 'REVOKED';
  return connections.ready(agent.id) === undefined ? 'OFFLINE' : 'ONLINE';
}

function byStatus(status: AgentStatus | undefined, connections: AgentConnections): AgentFilter {
  switch (status) {
    case 'REVOKED':
      return { revoked: true };
    case 'ONLINE':
      return { revoked: false, ids: connections.readyIds() };
    case 'OFFLINE':
      return { revoked: false, exceptIds: connections.readyIds() };
    case undefined:
      return {};
  }
}
