import type { SqlEntityManager } from '@mikro-orm/sql';
import type { EnrollmentToken } from '../domain/agent.js';
import type { EnrollmentTokenStore } from '../ports.js';
import { EnrollmentTokenRow } from './agent.entity.js';

export class MikroEnrollmentTokenStore implements EnrollmentTokenStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert(token: EnrollmentToken): Promise<void> {
    await this.em.insert(EnrollmentTokenRow, { ...token, usedAt: token.usedAt ?? null });
  }

  async findByHash(secretHash: string): Promise<EnrollmentToken | undefined> {
    const row = await this.em.findOne(EnrollmentTokenRow, { secretHash }, { disableIdentityMap: true });
    if (row === null) return undefined;
    const { id, subscriptionId, agentName, createdBy, createdAt, expiresAt, usedAt } = row;
    return {
      id,
      secretHash: row.secretHash,
      subscriptionId,
      agentName,
      createdBy,
      createdAt,
      expiresAt,
      ...(usedAt === null ? {} : { usedAt }),
    };
  }

  async use(id: string, at: number): Promise<boolean> {
    return (await this.em.nativeUpdate(EnrollmentTokenRow, { id, usedAt: null }, { usedAt: at })) === 1;
  }
}
