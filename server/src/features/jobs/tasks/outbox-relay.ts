import type { Context } from '../../../platform/context.js';
import { pauseAfter } from '../domain/delivery.js';
import type { JobRef } from '../domain/job.js';
import type { OutboxMessage } from '../domain/outbox-message.js';
import { passOnCancel } from '../use-cases/pass-on-cancel.js';
import { startJob } from '../use-cases/start-job.js';
import type { FailureWebhook } from './failure-webhook.js';

const MOST_IN_FLIGHT = 64;
// Longer than any delivery takes: a message comes again only if this process died over it.
const HIDDEN_MS = 60_000;

/** Delivers what is due. A message is forgotten after its delivery, so it may be delivered twice. */
export class OutboxRelay {
  private readonly inFlight = new Set<Promise<void>>();

  constructor(
    private readonly ctx: Context,
    private readonly webhook: FailureWebhook | undefined,
  ) {}

  /** Starts what is due and does not wait for it: a slow receiver holds up nobody else. True: there may be more. */
  async run(): Promise<boolean> {
    const limit = MOST_IN_FLIGHT - this.inFlight.size;
    if (limit === 0) return false;
    const now = this.ctx.clock.now();
    const messages = await this.ctx.unitOfWork.run(
      (stores) => stores.outbox.take({ now, hiddenUntil: now + HIDDEN_MS, limit }),
      { isolation: 'read-committed' },
    );
    for (const message of messages) {
      const under = relay(this.ctx, this.webhook, message)
        .catch((error: unknown) => this.ctx.log.error({ err: error, kind: message.kind }, 'outbox.defect'))
        .finally(() => this.inFlight.delete(under));
      this.inFlight.add(under);
    }
    return messages.length === limit;
  }

  async drain(): Promise<void> {
    await Promise.all(this.inFlight);
  }
}

async function relay(ctx: Context, webhook: FailureWebhook | undefined, message: OutboxMessage): Promise<void> {
  const about = { kind: message.kind, attempts: message.attempts, ...message.payload };
  let delivered = false;
  try {
    delivered = await deliver(ctx, webhook, message);
  } catch (error) {
    ctx.log.warn({ err: error, ...about }, 'outbox.delivery-failed');
  }
  const pause = delivered ? undefined : pauseAfter(message.kind, message.attempts);
  if (!delivered && pause === undefined) ctx.log.error(about, 'outbox.given-up');
  const dueAt = pause === undefined ? undefined : ctx.clock.now() + pause;
  await ctx.unitOfWork.run(
    (stores) => (dueAt === undefined ? stores.outbox.remove(message.id) : stores.outbox.retryAt(message.id, dueAt)),
    { isolation: 'read-committed' },
  );
}

/** False: not now, try again. */
async function deliver(
  ctx: Context,
  webhook: FailureWebhook | undefined,
  { kind, payload }: OutboxMessage,
): Promise<boolean> {
  switch (kind) {
    case 'DISPATCH_JOB':
      return startJob(ctx, refOf(payload));
    case 'CANCEL_JOB':
      return passOnCancel(ctx, refOf(payload));
    case 'END_SESSIONS':
      await ctx.services.gateway.endSessions(refOf(payload));
      return true;
    case 'VOID_AGENT':
      await ctx.services.gateway.voidAgent(String(payload.agentId));
      return true;
    case 'FAILURE_WEBHOOK': {
      const job = await ctx.unitOfWork.run((stores) => stores.jobs.get(String(payload.jobId)), {
        isolation: 'read-committed',
      });
      if (job !== undefined) await webhook?.(job);
      return true;
    }
  }
}

function refOf(payload: OutboxMessage['payload']): JobRef {
  return { jobId: String(payload.jobId), epoch: Number(payload.epoch) };
}
