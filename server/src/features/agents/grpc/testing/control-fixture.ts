import 'reflect-metadata';
import { createPrivateKey, randomUUID, webcrypto } from 'node:crypto';
import { tmpdir } from 'node:os';
import type { ServiceError } from '@grpc/grpc-js';
import { credentials } from '@grpc/grpc-js';
import { ManualClock, systemClock } from '@holdfast/core/clock';
import { systemRandom, uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type { EnrollResponse } from '@holdfast/proto/v1';
import { ControlServiceClient, CoordinationServiceClient, EnrollmentServiceClient } from '@holdfast/proto/v1';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { pino } from 'pino';
import { createControlListeners } from '../../../../control-listeners.js';
import type { Context, ContextFor } from '../../../../platform/context.js';
import type { GatewayClient } from '../../../../platform/gateway-client.js';
import { fromGrpcError } from '../../../../platform/grpc/errors.js';
import { describeOwnHost } from '../../../../platform/own-host.js';
import { Pace } from '../../../../platform/pace.js';
import type { Authority, IssuedIdentity } from '../../../../platform/pki/certificate-authority.js';
import { createAuthority, EC, generateAuthority } from '../../../../platform/pki/certificate-authority.js';
import { rotateIdentity } from '../../../../platform/pki/rotating-identity.js';
import { createAttemptLimiter } from '../../../access/attempt-limiter.js';
import type { CoordinationUseCases } from '../../../jobs/coordination.js';
import type { JobRef } from '../../../jobs/domain/job.js';
import { createJobRuntime } from '../../../jobs/job-runtime.js';
import type { Services } from '../../../services.js';
import { LinkRegistry } from '../../link-registry.js';
import { SourceChecks } from '../../source-checks.js';
import { createEnrollmentToken } from '../../use-cases/create-enrollment-token.js';
import { RecordingHandler } from './recording-handler.js';
import { TestAgent } from './test-agent.js';

export const SUBSCRIPTION = '01901234-5678-7abc-8def-00000000a001';
export const ca = (authority: Authority): Buffer => Buffer.from(authority.certificate);

/** The part of a test's database that the doors need. */
interface FixtureDatabase {
  readonly clock: ManualClock;
  context(overrides?: Partial<Context>): Context;
}

/** Gateway calls, as they were made. */
export interface GatewayCalls {
  readonly ended: JobRef[];
  readonly voided: string[];
  /** While true, the gateway cannot be reached. */
  away: boolean;
}

/** Control's gRPC doors and queue over a real database and real mutual TLS; the clock of leases stands still until it is moved. */
export async function startControl(
  db: FixtureDatabase,
  options: {
    readonly failureWebhook?: string;
    readonly useCases?: CoordinationUseCases;
    readonly authority?: Authority;
    readonly startedAt?: number;
  } = {},
) {
  const log = pino({ level: 'silent' });
  const authority =
    options.authority ??
    createAuthority(await generateAuthority(systemClock, systemRandom), { clock: systemClock, random: systemRandom });
  const identity = await rotateIdentity(
    authority,
    { hosts: ['localhost', '127.0.0.1'] },
    { clock: systemClock, timers: systemClock, log },
  );
  const links = new LinkRegistry(options.startedAt);
  const handlers = { BACKUP: new RecordingHandler('BACKUP'), RESTORE: new RecordingHandler('RESTORE') };
  const gatewayCalls: GatewayCalls = { ended: [], voided: [], away: false };
  const silence = new ManualClock();
  const runtime = createJobRuntime({
    handlers,
    clock: db.clock,
    timers: systemClock,
    log,
    ...(options.failureWebhook && { failureWebhook: options.failureWebhook }),
  });
  const addresses = { control: '', enrollment: '', data: () => '127.0.0.1:9' };
  const ownHost = await describeOwnHost([tmpdir()]);
  const services = {
    gateway: memoryGateway(gatewayCalls),
    jobs: runtime.services,
    agents: {
      authority,
      connections: links,
      attempts: createAttemptLimiter(db.clock),
      renewals: new Pace({ burst: 5, perSecond: 1 / 3_600 }, db.clock),
      sourceChecks: new SourceChecks({ connections: links, timers: silence, newId: randomUUID }),
      addresses,
      ownHost,
    },
  } as Partial<Services> as Services;
  const contextFor: ContextFor = (principal, address) =>
    db.context({ principal, services, ...(address === undefined ? {} : { address }) });
  const useCases = options.useCases ?? ({} as CoordinationUseCases);
  const listeners = createControlListeners({
    identity,
    contextFor,
    links,
    useCases,
    clock: systemClock,
    timers: silence,
    log,
  });
  const any = { host: '127.0.0.1', port: 0 };
  Object.assign(addresses, await listeners.listen({ control: any, enrollment: any }));
  runtime.start(contextFor);
  const system = contextFor({ kind: 'system', task: 'test' });
  await system.unitOfWork.run(async (stores) => {
    if ((await stores.subscriptions.get(SUBSCRIPTION)) === undefined)
      await stores.subscriptions.insert({ id: SUBSCRIPTION, name: 'fixture', createdAt: 0 });
  });

  return {
    authority,
    addresses,
    links,
    handlers,
    gatewayCalls,
    /** Timers of streams (their watchdogs) and of questions to agents. */
    silence,
    system,
    contextFor,
    async newToken(agentName: string): Promise<string> {
      return (await createEnrollmentToken(system, { subscriptionId: SUBSCRIPTION, agentName })).token;
    },
    enroll: (token: string, request?: Buffer) => enroll(addresses.enrollment, authority, token, request),
    async newAgent(name: string, subscriptionId = SUBSCRIPTION): Promise<TestAgent> {
      const { token } = await createEnrollmentToken(system, { subscriptionId, agentName: name });
      const keys = await makeRequest();
      const enrolled = await enroll(addresses.enrollment, authority, token, keys.request);
      return new TestAgent(uuidFromBytes(enrolled.agentId), addresses.control, {
        ca: enrolled.caCertificate,
        certificateChain: enrolled.certificateChain,
        key: keys.key,
      });
    },
    controlClient: (holder: Pick<IssuedIdentity, 'certificateChain' | 'key'>, trusted = authority.certificate) =>
      new ControlServiceClient(
        addresses.control,
        credentials.createSsl(Buffer.from(trusted), Buffer.from(holder.key), Buffer.from(holder.certificateChain)),
      ),
    coordinationClient: (holder: Pick<IssuedIdentity, 'certificateChain' | 'key'>) =>
      new CoordinationServiceClient(
        addresses.control,
        credentials.createSsl(ca(authority), Buffer.from(holder.key), Buffer.from(holder.certificateChain)),
      ),
    async stop(): Promise<void> {
      await listeners.close(500);
      await runtime.stop();
      identity.stop();
    },
  };
}

export type Control = Awaited<ReturnType<typeof startControl>>;

export async function makeRequest(): Promise<{ readonly key: string; readonly request: Buffer }> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create(
    { name: 'CN=holdfast-agent', keys, signingAlgorithm: EC },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
  return { key, request: Buffer.from(request.rawData) };
}

async function enroll(address: string, authority: Authority, token: string, request?: Buffer): Promise<EnrollResponse> {
  const client = new EnrollmentServiceClient(address, credentials.createSsl(ca(authority)));
  const certificateRequest = request ?? (await makeRequest()).request;
  const host = { hostName: 'host\u0007', operatingSystem: 'Linux', architecture: 'x64', agentVersion: '1' };
  return answer<EnrollResponse>((done) => client.enroll({ token, certificateRequest, host }, done)).finally(() =>
    client.close(),
  );
}

/** A unary call as a promise; rejects with the HoldfastError that the server meant. */
export function answer<Response>(
  start: (done: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) =>
    start((error, response) => (error ? reject(fromGrpcError(error)) : resolve(response))),
  );
}

export const wireRef = (job: JobRef) => ({ jobId: uuidToBytes(job.jobId), epoch: BigInt(job.epoch) });

function memoryGateway(calls: GatewayCalls): GatewayClient {
  const reach = (): void => {
    if (calls.away) throw new Error('away');
  };
  return {
    async endSessions(job) {
      reach();
      calls.ended.push(job);
    },
    async voidAgent(agentId) {
      reach();
      calls.voided.push(agentId);
    },
  } as GatewayClient;
}
