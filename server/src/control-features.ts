import type { IdSource } from '@holdfast/core/ids';
import type { ServerConfig } from './config.js';
import { createAttemptLimiter } from './features/access/attempt-limiter.js';
import { createPasswordHasher } from './features/access/password-hashing.js';
import { createSessionEnds } from './features/access/session-ends.js';
import { LinkRegistry } from './features/agents/link-registry.js';
import type { CoordinationUseCases } from './features/jobs/coordination.js';
import { createJobRuntime } from './features/jobs/job-runtime.js';
import { releaseFrameKeys } from './features/key-release/use-cases/release-frame-keys.js';
import { fireDueBackups } from './features/policies/tasks/fire-due-backups.js';
import { backupHandler } from './features/protected-items/jobs/backup-handler.js';
import { preparePoint } from './features/recovery-points/use-cases/prepare-point.js';
import { reconcilePoints } from './features/recovery-points/use-cases/reconcile-points.js';
import { recordPoint } from './features/recovery-points/use-cases/record-point.js';
import { createAllowedStores } from './features/regions/allowed-stores.js';
import { restoreHandler } from './features/restores/restore-handler.js';
import type { Services } from './features/services.js';
import type { SetupServices } from './features/setup/ports.js';
import { createKeyKeeper } from './features/vaults/key-keeper.js';
import { startThreadedOpening } from './features/vaults/opening/threaded-opening.js';
import { listVaultStores } from './features/vaults/use-cases/list-vault-stores.js';
import { ensureServerIdentity } from './features/vaults/use-cases/server-identity.js';
import { writeLogs } from './features/vaults/use-cases/write-logs.js';
import { createPackVerification } from './features/verification/pack-verification.js';
import { verifyPacks } from './features/verification/use-cases/verify-packs.js';
import type { GatewayLink } from './gateway-link.js';
import type { ContextFor } from './platform/context.js';
import type { Authority } from './platform/pki/certificate-authority.js';
import type { ProcessPorts } from './platform/process-roles.js';
import { type Loop, startLoop } from './platform/scheduler/loop.js';

/** Schedules have minutes; this keeps a start within a few seconds of its time. */
const SCHEDULE_MS = 5_000;
/** Entries are written at once where they are made; this is for those that failed. */
const LOG_RETRY_MS = 10_000;

export interface FeatureParts extends ProcessPorts {
  readonly config: ServerConfig;
  readonly newId: IdSource;
  readonly masterKey: Buffer;
  readonly authority: Authority;
  /** Real paths of the folders that stores may lie in. */
  readonly roots: readonly string[];
  readonly setup: SetupServices;
  readonly gateway: GatewayLink;
  /** The host that clients are told for a listener bound to `host`. */
  readonly advertise: (host: string) => string;
}

export interface Features {
  readonly services: Services;
  readonly links: LinkRegistry;
  readonly coordination: CoordinationUseCases;
  /** What agents are told, once the listeners are bound. */
  listensAt(addresses: { readonly control: string; readonly enrollment: string }): void;
  /** Starts queue and schedules. */
  start(contextFor: ContextFor): Promise<void>;
  stop(): Promise<void>;
}

/** The implementations behind `ctx.services`, and what runs by itself. Each feature adds its own here. */
export async function wireFeatures(parts: FeatureParts): Promise<Features> {
  const { config, clock, timers, random, log, authority, gateway } = parts;
  const links = new LinkRegistry();
  const jobs = createJobRuntime({ ...parts, handlers: { BACKUP: backupHandler, RESTORE: restoreHandler }, ...(config.failureWebhook === undefined ? {} : { failureWebhook: config.failureWebhook }) });
  const opening = startThreadedOpening({ log });
  const loops: Loop[] = [];
  let bound = { control: '', enrollment: '' };
  const told = (address: string): string => {
    const at = address.lastIndexOf(':');
    const host = parts.advertise(address.slice(0, at).replace(/^\[|\]$/g, ''));
    return `${host.includes(':') ? `[${host}]` : host}${address.slice(at)}`;
  };
  const services: Services = {
    access: { passwords: createPasswordHasher(random), attempts: createAttemptLimiter(clock), sessionEnds: createSessionEnds() },
    agents: {
      authority,
      connections: links,
      attempts: createAttemptLimiter(clock),
      addresses: {
        get control() {
          return told(bound.control);
        },
        get enrollment() {
          return told(bound.enrollment);
        },
        data: () => told(gateway.address()),
      },
    },
    gateway: gateway.client,
    jobs: jobs.services,
    keys: createKeyKeeper(parts.masterKey, random),
    opening,
    packVerification: createPackVerification({ gateway: gateway.client, opening }),
    regions: createAllowedStores(parts.roots),
    setup: parts.setup,
  };
  return {
    services,
    links,
    coordination: { preparePoint, recordPoint, releaseFrameKeys, verifyPacks, listVaultStores, reconcilePoints },
    listensAt(addresses) {
      bound = addresses;
    },
    async start(contextFor) {
      await ensureServerIdentity(contextFor({ kind: 'system', task: 'start' }));
      jobs.start(contextFor);
      const scheduler = contextFor({ kind: 'system', task: 'scheduler' });
      const vaultLogs = contextFor({ kind: 'system', task: 'vault-logs' });
      loops.push(
        startLoop({ name: 'scheduler', everyMs: SCHEDULE_MS, run: () => fireDueBackups(scheduler), timers, log }),
        startLoop({ name: 'vault-logs', everyMs: LOG_RETRY_MS, run: async () => (await writeLogs(vaultLogs)) > 0, timers, log }),
      );
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await jobs.stop();
      await opening.stop();
    },
  };
}
