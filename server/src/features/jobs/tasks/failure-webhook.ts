import { HoldfastError } from '@holdfast/core/errors';
import { encodeGlobalId } from '@holdfast/core/ids';
import type { Job } from '../domain/job.js';

/** Tells the outside that a job failed. Throws Unavailable when the other side does not take it. */
export type FailureWebhook = (job: Job) => Promise<void>;

const TIMEOUT_MS = 10_000;

/** HTTP POST of JSON: what failed and why, by the ids that the API speaks. Redirects are not followed. */
export function createFailureWebhook(url: string): FailureWebhook {
  return async (job) => {
    let status: number;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'holdfast' },
        body: JSON.stringify(describeFailure(job)),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      status = response.status;
      await response.body?.cancel();
    } catch (cause) {
      throw new HoldfastError({
        kind: 'Unavailable',
        code: 'WEBHOOK_UNREACHABLE',
        message: 'The failure webhook cannot be reached.',
        cause,
      });
    }
    if (status < 200 || status > 299) {
      throw new HoldfastError({
        kind: 'Unavailable',
        code: 'WEBHOOK_REFUSED',
        message: `The failure webhook answered ${status}.`,
      });
    }
  };
}

export function describeFailure(job: Job): object {
  return {
    event: 'job.failed',
    job: {
      id: encodeGlobalId('Job', job.id),
      kind: job.kind,
      subscriptionId: encodeGlobalId('Subscription', job.subscriptionId),
      vaultId: encodeGlobalId('Vault', job.vaultId),
      protectedItemId: encodeGlobalId('ProtectedItem', job.protectedItemId),
      agentId: encodeGlobalId('Agent', job.agentId),
      attempt: job.attempt,
      createdAt: new Date(job.createdAt).toISOString(),
      finishedAt: job.finishedAt === undefined ? null : new Date(job.finishedAt).toISOString(),
      error: job.error ?? null,
    },
  };
}
