import type { Context, Transaction } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import type { OutboxKind, OutboxMessage } from '../domain/outbox-message.js';

/** Something to be done after this transaction's commit, at least once. `payload` must hold no secret. */
export async function appendToOutbox(
  ctx: Context,
  stores: Stores,
  transaction: Transaction,
  kind: OutboxKind,
  payload: OutboxMessage['payload'],
): Promise<void> {
  await stores.outbox.append({ id: ctx.newId(), kind, payload, dueAt: ctx.clock.now() });
  transaction.afterCommit(() => ctx.services.jobs.outbox.wake());
}
