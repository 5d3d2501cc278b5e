import type { SqlEntityManager } from '@mikro-orm/sql';
import type { ApiToken, ApiTokenStore } from '../ports.js';
import { ApiTokenRow } from './access.entity.js';
import { toColumns, toScope } from './scope-columns.js';

export class MikroApiTokenStore implements ApiTokenStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert({ scope, ...rest }: ApiToken): Promise<void> {
    await this.em.insert(ApiTokenRow, { ...rest, ...toColumns(scope) });
  }

  async get(id: string): Promise<ApiToken | undefined> {
    return toToken(await this.em.findOne(ApiTokenRow, { id }));
  }

  async findByTokenHash(tokenHash: string): Promise<ApiToken | undefined> {
    return toToken(await this.em.findOne(ApiTokenRow, { tokenHash }));
  }

  async countGood(userId: string, now: number): Promise<number> {
    return this.em.count(ApiTokenRow, { userId, revokedAt: null, expiresAt: { $gt: now } });
  }

  async revoke(id: string, at: number): Promise<void> {
    await this.em.nativeUpdate(ApiTokenRow, { id, revokedAt: null }, { revokedAt: at });
  }

  async revokeOfUser(userId: string, at: number): Promise<number> {
    return this.em.nativeUpdate(ApiTokenRow, { userId, revokedAt: null, expiresAt: { $gt: at } }, { revokedAt: at });
  }
}

function toToken(row: ApiTokenRow | null): ApiToken | undefined {
  if (row === null) return undefined;
  const { id, userId, name, tokenHash, role, createdAt, expiresAt, revokedAt } = row;
  return {
    id,
    userId,
    name,
    tokenHash,
    role,
    scope: toScope(row),
    createdAt,
    expiresAt,
    ...(revokedAt === null ? {} : { revokedAt }),
  };
}
