import { LockMode } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
import type { OutboxMessage } from '../domain/outbox-message.js';
import type { OutboxStore } from '../ports.js';
import { OutboxRow } from './job.entity.js';

export class MikroOutboxStore implements OutboxStore {
  constructor(private readonly em: SqlEntityManager) {}

  async append(message: Omit<OutboxMessage, 'attempts'>): Promise<void> {
    await this.em.insert(OutboxRow, { ...message, attempts: 0 });
  }

  async take(question: {
    readonly now: number;
    readonly hiddenUntil: number;
    readonly limit: number;
  }): Promise<OutboxMessage[]> {
    const rows = await this.em.find(
      OutboxRow,
      { dueAt: { $lte: question.now } },
      {
        orderBy: [{ dueAt: 'ASC' }, { id: 'ASC' }],
        limit: question.limit,
        lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE,
        disableIdentityMap: true,
      },
    );
    const taken = rows.map((row) => ({
      id: row.id,
      kind: row.kind,
      payload: row.payload,
      attempts: row.attempts + 1,
      dueAt: question.hiddenUntil,
    }));
    for (const { id, attempts, dueAt } of taken) await this.em.nativeUpdate(OutboxRow, { id }, { attempts, dueAt });
    return taken;
  }

  async remove(id: string): Promise<void> {
    await this.em.nativeDelete(OutboxRow, { id });
  }

  async retryAt(id: string, dueAt: number): Promise<void> {
    await this.em.nativeUpdate(OutboxRow, { id }, { dueAt });
  }
}
