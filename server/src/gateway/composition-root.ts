import { setPriority } from 'node:os';
import { join } from 'node:path';
import { asHoldfastError } from '@holdfast/core/errors';
import { createIdSource } from '@holdfast/core/ids';
import { collectSeldom } from '@holdfast/core/memory';
import { prepareDataDirectory } from '../platform/data-directory.js';
import { IncidentRelay } from '../platform/incidents/incident-relay.js';
import { parseListenAddress } from '../platform/listen-address.js';
import { Pace } from '../platform/pace.js';
import type { GatewayCredentials } from '../platform/process-channel.js';
import type { ProcessPorts, RunningGateway, StartGateway } from '../platform/process-roles.js';
import type { Log } from '../platform/telemetry/log.js';
import { Admission } from './admission.js';
import type { ChunkIndex } from './chunk-index/chunk-index.js';
import { PageBudget } from './chunk-index/page-budget.js';
import { openSqliteChunkIndex } from './chunk-index/sqlite-chunk-index.js';
import type { Coordination } from './coordination/coordination.js';
import { createGrpcCoordination } from './coordination/grpc/grpc-coordination.js';
import type { GatewayCore } from './gateway-core.js';
import { createDataServer } from './grpc/data-server.js';
import { ReceivedIdentity } from './grpc/received-identity.js';
import { GATEWAY_LIMITS, type GatewayLimits } from './limits.js';
import { PausedUploads } from './sessions/paused-uploads.js';
import { SessionRegistry } from './sessions/session-registry.js';
import { Turns } from './turn.js';
import { lookAtPacks } from './vault-stores/look-at-packs.js';
import { openListedVaults } from './vault-stores/open-listed-vaults.js';
import { createStoreOpener, type StoreOpener } from './vault-stores/open-store.js';
import { VaultRegistry } from './vault-stores/vault-registry.js';
import { BackgroundVerifier } from './verification/background-verifier.js';
import { VerifyQueue } from './verification/verify-queue.js';

const IDLE_SWEEP_MS = 30_000;
const DRAIN_MS = 5_000;
const SETTLE_MS = 5_000;
/** Packs that control verifies for this gateway at a time. */
const VERIFY_WORKERS = 2;
/** What the indexes of all vaults keep in memory of their copies' states: a byte a copy, so all of it for vaults of 60 million together. */
const INDEX_PAGES_BYTES = 64 * 1024 * 1024;

export interface GatewayPorts extends ProcessPorts {
  readonly coordination: Coordination;
  readonly openStore: StoreOpener;
  readonly openIndex: (vaultId: string) => ChunkIndex;
}

/** Everything of the gateway but its doors, over ports: what runs in a simulation as it does in production. */
export function createGatewayCore(ports: GatewayPorts, limits: GatewayLimits = GATEWAY_LIMITS): GatewayCore {
  const { clock, timers, random, log, coordination } = ports;
  const incidents = new IncidentRelay({
    timers,
    log,
    deliver: (incident) => coordination.reportIncident(incident),
  });
  const turns = new Turns(clock);
  const sessions = new SessionRegistry({ clock, log, limits });
  const isBusy = (): boolean => sessions.isBusy;
  const vaults = new VaultRegistry({
    ...ports,
    turns,
    isBusy,
    incidents,
    verifyQueue: new VerifyQueue(VERIFY_WORKERS),
    limits,
  });
  const verifier = new BackgroundVerifier({ vaults, isBusy, clock, timers });
  const uploads = new Admission(limits.uploads, ports);
  const reads = new Admission(limits.reads, ports);
  return {
    coordination,
    vaults,
    sessions,
    uploads,
    pausedUploads: new PausedUploads(limits, log),
    reads,
    turns,
    fruitless: new Pace(limits.fruitlessMs, clock),
    cuts: new Pace(limits.cutMs, clock),
    secondLooks: new Pace(limits.secondLooks, clock),
    verifier,
    incidents,
    limits,
    clock,
    timers,
    newId: createIdSource({ clock, random }),
    log,
  };
}

/** Behind control, whose answers people and heartbeats wait for; as agents on the same host, which have to wait for it as it for them. */
const NICENESS = 10;

/** Of this thread, and of those that it starts. */
function letControlGoFirst(log: Log): void {
  try {
    setPriority(NICENESS);
  } catch (error) {
    log.warn({ err: error }, 'gateway.priority-not-lowered');
  }
}

/** Binds the data listener and serves; vaults are opened as control names them. */
export const startGateway: StartGateway = async (settings, ports) => {
  collectSeldom();
  letControlGoFirst(ports.log);
  await prepareDataDirectory(settings.dataDirectory);
  const identity = new ReceivedIdentity(settings.credentials);
  const coordination = createGrpcCoordination(controlOf(settings.credentials), identity, ports.clock);
  settings.onCredentials((credentials) => {
    identity.renew(credentials);
    coordination.move(controlOf(credentials));
  });
  const pages = new PageBudget(INDEX_PAGES_BYTES);
  const core = createGatewayCore({
    ...ports,
    coordination,
    openStore: createStoreOpener({ random: ports.random, roots: settings.storeRoots }),
    openIndex: (vaultId) => openSqliteChunkIndex(join(settings.dataDirectory, `${vaultId}.sqlite`), vaultId, { pages }),
  });
  const server = createDataServer(core, identity);
  const bound = await server.listen(settings.listen.host, settings.listen.port).catch((error: unknown) => {
    coordination.close();
    throw error;
  });
  const stopping = new AbortController();
  const background = runInBackground(core, stopping.signal);
  return {
    address: parseListenAddress('--data-grpc', bound),
    async stop() {
      stopping.abort();
      core.incidents.stop();
      await server.close(DRAIN_MS);
      await endSessions(core);
      await pausedUploadsEnded(core);
      await background;
      coordination.close();
      core.vaults.close();
    },
  } satisfies RunningGateway;
};

function runInBackground(core: GatewayCore, signal: AbortSignal): Promise<unknown> {
  const work = [
    openListedVaults(core, signal).then(() => core.verifier.wake()),
    core.verifier.run(signal),
    sweepIdleSessions(core, signal),
    lookAtPacks(core, signal),
  ];
  return Promise.all(
    work.map((each) =>
      each.catch((error: unknown) => {
        if (!signal.aborted) core.log.error({ err: asHoldfastError(error) }, 'gateway.background_failed');
      }),
    ),
  );
}

async function sweepIdleSessions(core: GatewayCore, signal: AbortSignal): Promise<void> {
  for (;;) {
    await core.timers.sleep(IDLE_SWEEP_MS, signal);
    core.sessions.endIdle();
  }
}

/** Ends what is left, and waits until nobody writes to an index any more. */
async function endSessions(core: GatewayCore): Promise<void> {
  const open = core.sessions.all();
  core.sessions.endAll();
  const until = core.clock.monotonic() + SETTLE_MS;
  while (open.some((session) => session.isBusy) && core.clock.monotonic() < until) await core.timers.sleep(20);
}

/** One whose last piece the store does not take ends when it does, or never. */
async function pausedUploadsEnded({ pausedUploads, timers }: GatewayCore): Promise<void> {
  const over = new AbortController();
  await Promise.race([pausedUploads.ended(), timers.sleep(SETTLE_MS, over.signal)]);
  over.abort();
}

function controlOf(credentials: GatewayCredentials): { address: string; serverName: string } {
  return { address: credentials.coordinationAddress, serverName: credentials.coordinationServerName };
}
