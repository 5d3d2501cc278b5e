import type { IdSource } from '@holdfast/core/ids';
import { agentAddress, type ServerConfig } from './config.js';
import { createAttemptLimiter } from './features/access/attempt-limiter.js';
import { createPasswordHasher } from './features/access/password-hashing.js';
import { createSessionEnds } from './features/access/session-ends.js';
import { LinkRegistry } from './features/agents/link-registry.js';
import { SourceChecks } from './features/agents/source-checks.js';
import type { CoordinationUseCases } from './features/jobs/coordination.js';
import { createJobRuntime } from './features/jobs/job-runtime.js';
import { COORDINATION, createProtectionRuntime, PROTECTION_HANDLERS } from './features/protection-runtime.js';
import { createAllowedStores } from './features/regions/allowed-stores.js';
import type { Services } from './features/services.js';
import type { SetupServices } from './features/setup/ports.js';
import type { GatewayLink } from './gateway-link.js';
import type { ContextFor } from './platform/context.js';
import { describeOwnHost } from './platform/own-host.js';
import { Pace } from './platform/pace.js';
import type { Authority } from './platform/pki/certificate-authority.js';
import type { ProcessPorts } from './platform/process-roles.js';

export interface FeatureParts extends ProcessPorts {
  readonly config: ServerConfig;
  readonly newId: IdSource;
  readonly masterKey: Buffer;
  readonly authority: Authority;
  /** Real paths of the folders that stores may lie in. */
  readonly roots: readonly string[];
  readonly setup: SetupServices;
  readonly gateway: GatewayLink;
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
/** A certificate is renewed every few weeks; a renewal whose answer was lost is tried again. */
const RENEWALS = { burst: 5, perSecond: 1 / 3_600 };

export async function wireFeatures(parts: FeatureParts): Promise<Features> {
  const { config, clock, timers, random, log, authority, gateway } = parts;
  const links = new LinkRegistry(clock.now());
  const jobs = createJobRuntime({
    ...parts,
    handlers: PROTECTION_HANDLERS,
    ...(config.failureWebhook === undefined ? {} : { failureWebhook: config.failureWebhook }),
  });
  const protection = createProtectionRuntime({
    masterKey: parts.masterKey,
    gateway: gateway.client,
    timers,
    random,
    log,
  });
  let bound = { control: '', enrollment: '' };
  const services: Services = {
    access: {
      passwords: createPasswordHasher(random),
      attempts: createAttemptLimiter(clock),
      sessionEnds: createSessionEnds(),
    },
    agents: {
      authority,
      connections: links,
      sourceChecks: new SourceChecks({ connections: links, timers, newId: parts.newId }),
      attempts: createAttemptLimiter(clock),
      renewals: new Pace(RENEWALS, clock),
      addresses: {
        get control() {
          return agentAddress(config, 'grpc', bound.control);
        },
        get enrollment() {
          return agentAddress(config, 'enrollGrpc', bound.enrollment);
        },
        data: () => agentAddress(config, 'dataGrpc', gateway.address()),
      },
      ownHost: await describeOwnHost([config.dataDirectory, ...parts.roots]),
    },
    gateway: gateway.client,
    jobs: jobs.services,
    regions: createAllowedStores(parts.roots),
    setup: parts.setup,
    ...protection.services,
  };
  return {
    services,
    links,
    coordination: COORDINATION,
    listensAt(addresses) {
      bound = addresses;
    },
    async start(contextFor) {
      await protection.start(contextFor);
      jobs.start(contextFor);
    },
    async stop() {
      await jobs.stop();
      await protection.stop();
    },
  };
}
