import type { SqlEntityManager } from '@mikro-orm/sql';
import type { Session, SessionStore } from '../ports.js';
import { SessionRow } from './access.entity.js';

export class MikroSessionStore implements SessionStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert(session: Session): Promise<void> {
    await this.em.insert(SessionRow, { ...session });
  }

  async findByTokenHash(tokenHash: string): Promise<Session | undefined> {
    const row = await this.em.findOne(SessionRow, { tokenHash });
    return row === null ? undefined : { ...row };
  }

  async exists(id: string): Promise<boolean> {
    return (await this.em.count(SessionRow, { id })) > 0;
  }

  async touch(id: string, lastUsedAt: number, expiresAt: number): Promise<void> {
    await this.em.nativeUpdate(SessionRow, { id }, { lastUsedAt, expiresAt });
  }

  async remove(id: string): Promise<void> {
    await this.em.nativeDelete(SessionRow, { id });
  }

  async removeOfUser(userId: string): Promise<number> {
    return this.em.nativeDelete(SessionRow, { userId });
  }

  async removeExpired(now: number): Promise<number> {
    return this.em.nativeDelete(SessionRow, { expiresAt: { $lte: now } });
  }
}
