import type { BandwidthLimits } from '@holdfast/core/policy';
import type { FilterQuery } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { mapPage, paginate } from '../../../platform/db/paginate.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import type { Scope } from '../../access/domain/scope.js';
import type { Agent } from '../domain/agent.js';
import type { AgentFilter, AgentStore } from '../ports.js';
import { AgentRow } from './agent.entity.js';

const FRESH = { disableIdentityMap: true } as const;

export class MikroAgentStore implements AgentStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert(agent: Agent): Promise<void> {
    const { host, capabilities, lastSeenAt, instance, revokedAt, ...rest } = agent;
    await this.em.insert(AgentRow, {
      ...rest,
      ...host,
      capabilities: [...capabilities],
      lastSeenAt: lastSeenAt ?? null,
      instance: instance ?? null,
      revokedAt: revokedAt ?? null,
    });
  }

  async get(id: string): Promise<Agent | undefined> {
    return (await this.getMany([id]))[0];
  }

  async getMany(ids: readonly string[]): Promise<Agent[]> {
    return (await this.em.find(AgentRow, { id: { $in: [...ids] } }, FRESH)).map((row) => toAgent(row));
  }

  async findByName(subscriptionId: string, name: string): Promise<Agent | undefined> {
    const row = await this.em.findOne(AgentRow, { subscriptionId, name, revokedAt: null }, FRESH);
    return row === null ? undefined : toAgent(row);
  }

  async list(scopes: readonly Scope[], filter: AgentFilter, page: PageRequest): Promise<Page<Agent>> {
    const visible = withinSubscriptions(scopes);
    if (visible === undefined) return { items: [], hasNextPage: false };
    const where = {
      $and: [
        visible,
        filter.subscriptionId === undefined ? {} : { subscriptionId: filter.subscriptionId },
        filter.ids === undefined ? {} : { id: { $in: [...filter.ids] } },
        filter.exceptIds === undefined ? {} : { id: { $nin: [...filter.exceptIds] } },
        filter.revoked === undefined ? {} : { revokedAt: filter.revoked ? { $ne: null } : null },
      ],
    } as FilterQuery<AgentRow>;
    return mapPage(await paginate(this.em, AgentRow, where, 'enrolledAt', page), toAgent);
  }

  async introduce(id: string, facts: Parameters<AgentStore['introduce']>[1]): Promise<void> {
    const { host, capabilities, lastSeenAt, instance } = facts;
    await this.em.nativeUpdate(AgentRow, { id }, { ...host, capabilities: [...capabilities], lastSeenAt, instance });
  }

  async setBandwidth(id: string, bandwidth: BandwidthLimits): Promise<void> {
    await this.em.nativeUpdate(AgentRow, { id }, { bandwidth });
  }

  async touch(id: string, lastSeenAt: number): Promise<void> {
    await this.em.nativeUpdate(AgentRow, { id }, { lastSeenAt });
  }

  async revoke(id: string, at: number): Promise<boolean> {
    return (await this.em.nativeUpdate(AgentRow, { id, revokedAt: null }, { revokedAt: at })) === 1;
  }
}

// An agent belongs to a subscription and to no vault, so a right on a vault alone shows none.
function withinSubscriptions(scopes: readonly Scope[]): FilterQuery<AgentRow> | undefined {
  if (scopes.some((scope) => scope.subscriptionId === undefined && scope.vaultId === undefined)) return {};
  const subscriptions = scopes.flatMap((scope) =>
    scope.vaultId === undefined && scope.subscriptionId !== undefined ? [scope.subscriptionId] : [],
  );
  return subscriptions.length === 0 ? undefined : { subscriptionId: { $in: subscriptions } };
}

function toAgent(row: AgentRow): Agent {
  const {
    id,
    subscriptionId,
    name,
    hostName,
    operatingSystem,
    architecture,
    agentVersion,
    capabilities,
    bandwidth,
    enrolledAt,
    lastSeenAt,
    instance,
    revokedAt,
  } = row;
  return {
    id,
    subscriptionId,
    name,
    host: { hostName, operatingSystem, architecture, agentVersion },
    capabilities,
    bandwidth,
    enrolledAt,
    ...(lastSeenAt === null ? {} : { lastSeenAt }),
    ...(instance === null ? {} : { instance }),
    ...(revokedAt === null ? {} : { revokedAt }),
  };
}
