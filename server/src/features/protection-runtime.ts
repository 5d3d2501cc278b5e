import type { Timers } from '@holdfast/core/clock';
import type { Random } from '@holdfast/core/ids';
import type { ContextFor } from '../platform/context.js';
import type { GatewayClient } from '../platform/gateway-client.js';
import { type Loop, startLoop } from '../platform/scheduler/loop.js';
import type { Log } from '../platform/telemetry/log.js';
import type { CoordinationUseCases } from './jobs/coordination.js';
import type { JobKindHandlers } from './jobs/ports.js';
import { PointAccesses } from './key-release/point-accesses.js';
import { cutFrame } from './key-release/use-cases/cut-frame.js';
import { releaseFrameKeys } from './key-release/use-cases/release-frame-keys.js';
import { fireDueBackups } from './policies/tasks/fire-due-backups.js';
import { backupHandler } from './protected-items/jobs/backup-handler.js';
import { createNodeReader } from './recovery-points/browse/node-reader.js';
import { preparePoint } from './recovery-points/use-cases/prepare-point.js';
import { reconcilePoints } from './recovery-points/use-cases/reconcile-points.js';
import { recordPoint } from './recovery-points/use-cases/record-point.js';
import { restoreHandler } from './restores/restore-handler.js';
import type { Services } from './services.js';
import { createKeyKeeper } from './vaults/key-keeper.js';
import { startThreadedOpening } from './vaults/opening/threaded-opening.js';
import { SpaceWatch } from './vaults/tasks/space-watch.js';
import { listVaultStores } from './vaults/use-cases/list-vault-stores.js';
import { ensureServerIdentity } from './vaults/use-cases/server-identity.js';
import { writeLogs } from './vaults/use-cases/write-logs.js';
import { createFrameVerification } from './verification/frame-verification.js';
import { verifyFrames } from './verification/use-cases/verify-frames.js';

const NODE_CACHE_BYTES = 64 * 1024 * 1024;
/** Schedules have minutes; this keeps a start within a few seconds of its time. */
const SCHEDULE_MS = 5_000;
/** Woken where an entry is made; this is for entries that could not be written then. */
const LOG_RETRY_MS = 10_000;
const SPACE_MS = 5 * 60_000;

export const PROTECTION_HANDLERS: JobKindHandlers = { BACKUP: backupHandler, RESTORE: restoreHandler };

/** What gateways ask of vaults, points and keys. */
export const COORDINATION: CoordinationUseCases = {
  preparePoint,
  recordPoint,
  releaseFrameKeys,
  cutFrame,
  verifyFrames,
  listVaultStores,
  reconcilePoints,
};

export interface ProtectionPorts {
  readonly masterKey: Uint8Array;
  readonly gateway: GatewayClient;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

/** What vaults, items, points and restores need besides the database. */
export interface ProtectionRuntime {
  readonly services: Pick<Services, 'keys' | 'opening' | 'pointAccesses' | 'frameVerification' | 'nodes' | 'vaultLog'>;
  /** Makes the server's identity at the first start, then runs the schedule and the log writer. */
  start(contextFor: ContextFor): Promise<void>;
  stop(): Promise<void>;
}

export function createProtectionRuntime({
  masterKey,
  gateway,
  timers,
  random,
  log,
}: ProtectionPorts): ProtectionRuntime {
  const opening = startThreadedOpening({ log });
  let loops: { readonly schedule: Loop; readonly vaultLog: Loop; readonly space: Loop } | undefined;
  return {
    services: {
      keys: createKeyKeeper(masterKey, random),
      opening,
      pointAccesses: new PointAccesses(),
      frameVerification: createFrameVerification({ gateway, opening }),
      nodes: createNodeReader({ gateway, opening, cacheBytes: NODE_CACHE_BYTES, timers }),
      vaultLog: { wake: () => loops?.vaultLog.wake() },
    },
    async start(contextFor) {
      await ensureServerIdentity(contextFor({ kind: 'system', task: 'start' }));
      const schedule = contextFor({ kind: 'system', task: 'scheduler' });
      const vaultLog = contextFor({ kind: 'system', task: 'vault-log' });
      const space = contextFor({ kind: 'system', task: 'store-space' });
      const spaceWatch = new SpaceWatch();
      loops = {
        schedule: startLoop({
          name: 'schedule',
          everyMs: SCHEDULE_MS,
          run: () => fireDueBackups(schedule),
          timers,
          log,
        }),
        vaultLog: startLoop({
          name: 'vault-log',
          everyMs: LOG_RETRY_MS,
          run: async () => (await writeLogs(vaultLog)) > 0,
          timers,
          log,
        }),
        space: startLoop({ name: 'store-space', everyMs: SPACE_MS, run: () => spaceWatch.look(space), timers, log }),
      };
    },
    async stop() {
      await Promise.all([loops?.schedule.stop(), loops?.vaultLog.stop(), loops?.space.stop()]);
      await opening.stop();
    },
  };
}
