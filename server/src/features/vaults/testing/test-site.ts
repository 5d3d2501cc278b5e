import { randomUUID } from 'node:crypto';
import { systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { systemRandom } from '@holdfast/core/ids';
import type { Context } from '../../../platform/context.js';
import { SYSTEM, type TestDatabase } from '../../../platform/db/testing.js';
import type { Principal } from '../../access/domain/principal.js';
import type { Role } from '../../access/domain/roles.js';
import type { Scope } from '../../access/domain/scope.js';
import { LinkRegistry } from '../../agents/link-registry.js';
import { SourceChecks } from '../../agents/source-checks.js';
import type { BackupType, Job, JobCounters } from '../../jobs/domain/job.js';
import type { BackupCommand } from '../../jobs/domain/job-command.js';
import { PointAccesses } from '../../key-release/point-accesses.js';
import { backupNow } from '../../protected-items/use-cases/backup-now.js';
import { configureProtection } from '../../protected-items/use-cases/configure-protection.js';
import { PROTECTION_HANDLERS } from '../../protection-runtime.js';
import { createNodeReader } from '../../recovery-points/browse/node-reader.js';
import { preparePoint } from '../../recovery-points/use-cases/prepare-point.js';
import { recordPoint } from '../../recovery-points/use-cases/record-point.js';
import type { Services } from '../../services.js';
import { createFrameVerification } from '../../verification/frame-verification.js';
import type { DedupDomain, VaultKind } from '../domain/vault.js';
import { createKeyKeeper } from '../key-keeper.js';
import { FrameOpener } from '../opening/frame-opener.js';
import { type CreatedVault, createVault } from '../use-cases/create-vault.js';
import { ensureServerIdentity } from '../use-cases/server-identity.js';
import { MemoryGateway } from './memory-gateway.js';
import { type TestTree, type Uploaded, uploadTree } from './upload-tree.js';

export const GATEWAY: Principal = { kind: 'gateway', gatewayId: '01900000-0000-7000-8000-000000000001' };
export const COUNTERS: JobCounters = {
  entries: 3n,
  files: 2n,
  bytesTotal: 9n,
  bytesRead: 9n,
  bytesChanged: 9n,
  bytesSent: 20n,
  bytesStored: 20n,
  bytesWritten: 0n,
  warnings: 0n,
  entriesSkipped: 0n,
};

/** A subscription, a region, an agent and everything behind `ctx.services`, with the real engine over stores in memory. */
export interface TestSite {
  readonly gateway: MemoryGateway;
  readonly ctx: Context;
  readonly asGateway: Context;
  readonly subscriptionId: string;
  readonly regionId: string;
  readonly agentId: string;
  /** Times that somebody woke the log writer. */
  readonly logWakes: { count: number };
  /** Nobody is connected until a test says so. */
  readonly links: LinkRegistry;
  addSubscription(name: string): Promise<string>;
  addAgent(subscriptionId: string, name: string): Promise<string>;
  addUser(role: Role, scope: Scope): Promise<Context>;
  addVault(overrides?: {
    name?: string;
    kind?: VaultKind;
    dedupDomain?: DedupDomain;
    subscriptionId?: string;
  }): Promise<CreatedVault>;
  protect(
    vaultId: string,
    overrides?: { name?: string; agentId?: string; policyId?: string; root?: string },
  ): Promise<string>;
  /** Claims a queued job as the dispatcher would. */
  run(job: Job): Promise<Job>;
  finish(job: Job): Promise<void>;
  /** A whole backup of this tree, as an agent and a gateway make one. */
  backUp(
    itemId: string,
    tree: TestTree,
    type?: BackupType,
    basePointId?: string,
  ): Promise<{ job: Job; pointId: string; uploaded: Uploaded; command: BackupCommand }>;
}

export async function openTestSite(database: TestDatabase): Promise<TestSite> {
  const gateway = new MemoryGateway();
  const logWakes = { count: 0 };
  const opening = new FrameOpener(systemRandom);
  const links = new LinkRegistry();
  const services = {
    gateway,
    keys: createKeyKeeper(Buffer.alloc(32, 7), systemRandom),
    opening,
    pointAccesses: new PointAccesses(),
    frameVerification: createFrameVerification({ gateway, opening }),
    nodes: createNodeReader({ gateway, opening, cacheBytes: 1 << 20, timers: systemClock }),
    vaultLog: {
      wake() {
        logWakes.count += 1;
      },
    },
    agents: {
      connections: links,
      sourceChecks: new SourceChecks({ connections: links, timers: systemClock, newId: randomUUID }),
    },
    jobs: {
      handlers: PROTECTION_HANDLERS,
      events: { changed: () => undefined },
      dispatcher: { wake: () => undefined },
    },
  } as unknown as Services;
  const ctx = database.context({ principal: SYSTEM, services });
  const asGateway: Context = { ...ctx, principal: GATEWAY };
  await ensureServerIdentity(ctx);
  const regionId = ctx.newId();

  const addSubscription: TestSite['addSubscription'] = (name) =>
    ctx.unitOfWork.run(async (stores) => {
      const id = ctx.newId();
      await stores.subscriptions.insert({ id, name: `${name} ${id}`, createdAt: ctx.clock.now() });
      return id;
    });
  const addAgent: TestSite['addAgent'] = (subscription, name) =>
    ctx.unitOfWork.run(async (stores) => {
      const id = ctx.newId();
      const host = { hostName: name, operatingSystem: 'Linux', architecture: 'x64', agentVersion: '0' };
      await stores.agents.insert({
        id,
        subscriptionId: subscription,
        name,
        host,
        capabilities: [],
        bandwidth: { windows: [] },
        enrolledAt: ctx.clock.now(),
      });
      return id;
    });
  const subscriptionId = await addSubscription('main');
  const agentId = await addAgent(subscriptionId, 'host');
  await ctx.unitOfWork.run((stores) =>
    stores.regions.insert({
      id: regionId,
      name: `region ${regionId}`,
      zones: [{ id: ctx.newId(), name: 'z', storeUrl: 'local:/srv/zone' }],
      createdAt: ctx.clock.now(),
    }),
  );

  const run: TestSite['run'] = (job) =>
    ctx.unitOfWork.run(async (stores) => {
      const held = await stores.jobs.lock(job.id);
      if (!held) throw new Error('no such job');
      const running: Job = {
        ...held,
        state: 'RUNNING',
        epoch: held.epoch + 1,
        leaseUntil: ctx.clock.now() + 30_000,
        startedAt: ctx.clock.now(),
      };
      await stores.jobs.save(running);
      return running;
    });

  const finish: TestSite['finish'] = (job) =>
    ctx.unitOfWork.run(async (stores) => {
      const held = await stores.jobs.lock(job.id);
      if (held)
        await stores.jobs.save({ ...held, state: 'COMPLETED', leaseUntil: undefined, finishedAt: ctx.clock.now() });
    });

  return {
    gateway,
    ctx,
    asGateway,
    subscriptionId,
    regionId,
    agentId,
    logWakes,
    links,
    addSubscription,
    addAgent,
    run,
    finish,
    addUser: (role, scope) =>
      ctx.unitOfWork.run(async (stores) => {
        const userId = ctx.newId();
        await stores.users.insert({ id: userId, name: userId, passwordHash: 'x', createdAt: ctx.clock.now() });
        await stores.roleAssignments.insert({ id: ctx.newId(), userId, role, scope, createdAt: ctx.clock.now() });
        return { ...ctx, principal: { kind: 'user', userId, name: userId } };
      }),
    addVault: (overrides = {}) =>
      createVault(ctx, {
        subscriptionId,
        regionId,
        name: `vault ${ctx.newId()}`,
        kind: 'RECOVERY_SERVICES',
        dedupDomain: 'VAULT',
        ...overrides,
      }),
    async protect(vaultId, overrides = {}) {
      const files = { roots: [Buffer.from(overrides.root ?? '/srv')], include: [], exclude: [], oneFileSystem: false };
      const item = await configureProtection(ctx, {
        agentId: overrides.agentId ?? agentId,
        vaultId,
        name: overrides.name ?? `item ${ctx.newId()}`,
        files,
        ...(overrides.policyId === undefined ? {} : { policyId: overrides.policyId }),
      });
      return item.id;
    },
    async backUp(itemId, tree, type = 'FULL', basePointId) {
      const job = await run(await backupNow(ctx, { protectedItemId: itemId, type }));
      const command = await PROTECTION_HANDLERS.BACKUP.buildCommand(ctx, job);
      if (command.kind !== 'BACKUP')
        throw new HoldfastError({ kind: 'Internal', code: 'TEST', message: 'not a backup' });
      const uploaded = await uploadTree(gateway, command, job.agentId, tree);
      const ref = { jobId: job.id, epoch: job.epoch };
      const prepared = await preparePoint(asGateway, {
        agentId: job.agentId,
        job: ref,
        rootNode: uploaded.rootNode,
        type,
        counters: COUNTERS,
        ...(basePointId === undefined ? {} : { basePointId }),
      });
      await gateway.store(command.vaultId).put(`point/${prepared.pointId.replaceAll('-', '')}`, prepared.signedPoint);
      await recordPoint(asGateway, {
        agentId: job.agentId,
        job: ref,
        pointId: prepared.pointId,
        signedPoint: prepared.signedPoint,
      });
      await finish(job);
      return { job, pointId: prepared.pointId, uploaded, command };
    },
  };
}
