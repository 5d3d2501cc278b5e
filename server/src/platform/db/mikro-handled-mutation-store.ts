import type { SqlEntityManager } from '@mikro-orm/sql';
import type { HandledMutation, HandledMutationStore } from '../idempotency/ports.js';
import { HandledMutationRow } from './handled-mutation.entity.js';
import { orConflict } from './unique-violation.js';

export class MikroHandledMutationStore implements HandledMutationStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert({ sealedPayload, ...rest }: HandledMutation): Promise<void> {
    await orConflict(
      this.em.insert(HandledMutationRow, { ...rest, sealedPayload: sealedPayload ?? null }),
      'MUTATION_IN_PROGRESS',
      'The same mutation is just being handled.',
    );
  }

  async find(key: string): Promise<HandledMutation | undefined> {
    const row = await this.em.findOne(HandledMutationRow, { key });
    if (row === null) return undefined;
    const { id, inputHash, createdAt, sealedPayload } = row;
    return {
      id,
      key,
      inputHash,
      createdAt,
      ...(sealedPayload === null ? {} : { sealedPayload: Buffer.from(sealedPayload) }),
    };
  }

  async finish(id: string, sealedPayload: Buffer): Promise<void> {
    await this.em.nativeUpdate(HandledMutationRow, { id }, { sealedPayload });
  }

  async remove(id: string): Promise<void> {
    await this.em.nativeDelete(HandledMutationRow, { id });
  }

  async removeOlderThan(time: number): Promise<void> {
    await this.em.nativeDelete(HandledMutationRow, { createdAt: { $lt: time } });
  }
}
