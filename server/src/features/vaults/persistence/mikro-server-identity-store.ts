import type { SqlEntityManager } from '@mikro-orm/sql';
import { orConflict } from '../../../platform/db/unique-violation.js';
import type { ServerIdentity, ServerIdentityStore } from '../ports.js';
import { ServerIdentityRow } from './vault.entity.js';

export class MikroServerIdentityStore implements ServerIdentityStore {
  constructor(private readonly em: SqlEntityManager) {}

  async get(): Promise<ServerIdentity | undefined> {
    const row = await this.em.findOne(ServerIdentityRow, { singleton: 1 });
    return row === null
      ? undefined
      : { serverId: row.id, signingPublicKey: row.signingPublicKey, sealedSigningKey: row.sealedSigningKey };
  }

  async insert({ serverId, ...keys }: ServerIdentity): Promise<void> {
    await orConflict(
      this.em.insert(ServerIdentityRow, { id: serverId, singleton: 1, ...keys }),
      'SERVER_HAS_IDENTITY',
      'This catalog belongs to a server already.',
    );
  }
}
