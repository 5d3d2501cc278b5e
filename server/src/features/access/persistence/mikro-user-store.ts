import type { SqlEntityManager } from '@mikro-orm/sql';
import { isStorableText } from '../../../platform/db/storable-text.js';
import { orConflict } from '../../../platform/db/unique-violation.js';
import { foldName } from '../domain/user-name.js';
import type { User, UserStore } from '../ports.js';
import { UserRow } from './access.entity.js';

export class MikroUserStore implements UserStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert(user: User): Promise<void> {
    const row = { ...user, foldedName: foldName(user.name) };
    await orConflict(this.em.insert(UserRow, row), 'USER_NAME_TAKEN', 'A user of that name exists already.');
  }

  async get(id: string): Promise<User | undefined> {
    return toUser(await this.em.findOne(UserRow, { id }));
  }

  async getMany(ids: readonly string[]): Promise<User[]> {
    const rows = await this.em.find(UserRow, { id: { $in: [...ids] } });
    return rows.flatMap((row) => toUser(row) ?? []);
  }

  async findByName(name: string): Promise<User | undefined> {
    return isStorableText(name) ? toUser(await this.em.findOne(UserRow, { foldedName: foldName(name) })) : undefined;
  }

  async setPasswordHash(id: string, passwordHash: string): Promise<void> {
    await this.em.nativeUpdate(UserRow, { id }, { passwordHash });
  }

  async any(): Promise<boolean> {
    return (await this.em.find(UserRow, {}, { limit: 1 })).length > 0;
  }
}

function toUser(row: UserRow | null): User | undefined {
  return row === null
    ? undefined
    : { id: row.id, name: row.name, passwordHash: row.passwordHash, createdAt: row.createdAt };
}
