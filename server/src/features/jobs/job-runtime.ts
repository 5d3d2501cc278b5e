import type { Clock, Timers } from '@holdfast/core/clock';
import { reached } from '@holdfast/core/moments';
import type { ContextFor } from '../../platform/context.js';
import type { Loop } from '../../platform/scheduler/loop.js';
import { startLoop } from '../../platform/scheduler/loop.js';
import type { Log } from '../../platform/telemetry/log.js';
import { LEASE_MS } from './domain/job-machine.js';
import { JobFeed } from './job-feed.js';
import type { JobKindHandlers } from './ports.js';
import { createProgressBoard } from './progress-board.js';
import type { JobServices } from './services.js';
import { createFailureWebhook } from './tasks/failure-webhook.js';
import { OutboxRelay } from './tasks/outbox-relay.js';
import { claimNextJob } from './use-cases/claim-next-job.js';
import { expireLeases } from './use-cases/expire-leases.js';

const POLL_MS = 1_000;
const SWEEP_MS = 1_000;

export interface JobRuntimePorts {
  readonly handlers: JobKindHandlers;
  /** URL that hears of failed jobs. */
  readonly failureWebhook?: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** The queue's moving parts. `services` goes into every context; `start` needs contexts, so it comes after. */
export interface JobRuntime {
  readonly services: JobServices;
  start(contextFor: ContextFor): void;
  stop(): Promise<void>;
}

export function createJobRuntime(ports: JobRuntimePorts): JobRuntime {
  const { timers, log } = ports;
  const webhook = ports.failureWebhook === undefined ? undefined : createFailureWebhook(ports.failureWebhook);
  let relay: OutboxRelay | undefined;
  let loops: { readonly dispatcher: Loop; readonly outbox: Loop; readonly sweeper: Loop } | undefined;

  return {
    services: {
      handlers: ports.handlers,
      events: new JobFeed(timers),
      dispatcher: { wake: () => loops?.dispatcher.wake() },
      outbox: { wake: () => loops?.outbox.wake() },
      progress: createProgressBoard(ports.clock),
      failureWebhook: webhook !== undefined,
    },
    start(contextFor) {
      const startedAt = ports.clock.monotonic();
      const dispatch = contextFor({ kind: 'system', task: 'dispatcher' });
      const outbox = new OutboxRelay(contextFor({ kind: 'system', task: 'outbox' }), webhook);
      relay = outbox;
      const sweep = contextFor({ kind: 'system', task: 'lease-sweeper' });
      loops = {
        dispatcher: startLoop({
          name: 'dispatcher',
          everyMs: POLL_MS,
          run: async () => {
            const leased = (await claimNextJob(dispatch)) !== undefined;
            if (leased) reached('control.job-leased');
            return leased;
          },
          timers,
          log,
        }),
        outbox: startLoop({ name: 'outbox', everyMs: POLL_MS / 4, run: () => outbox.run(), timers, log }),
        sweeper: startLoop({
          name: 'lease-sweeper',
          everyMs: SWEEP_MS,
          // Leases that ended while this process was away are no fault of their holders: they get one lease's time to come back.
          run: async () => ports.clock.monotonic() - startedAt >= LEASE_MS && expireLeases(sweep),
          timers,
          log,
        }),
      };
    },
    async stop() {
      await Promise.all(Object.values(loops ?? {}).map((loop: Loop) => loop.stop()));
      await relay?.drain();
    },
  };
}
