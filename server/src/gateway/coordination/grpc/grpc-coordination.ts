import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type CallOptions, type ClientUnaryCall, experimental, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Clock } from '@holdfast/core/clock';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import {
  CoordinationServiceClient,
  SessionKind,
  type VaultStore,
  BackupType as WireBackupType,
  type JobRef as WireJob,
} from '@holdfast/proto/v1';
import { fromGrpcError } from '../../../platform/grpc/errors.js';
import { toWireIncidentKind } from '../../../platform/grpc/incident-kinds.js';
import type { BackupType, Coordination, JobRef, SessionGrant, VaultStoreRef } from '../coordination.js';

const BACKUP_TYPES: Readonly<Record<BackupType, WireBackupType>> = {
  FULL: WireBackupType.BACKUP_TYPE_FULL,
  DIFFERENTIAL: WireBackupType.BACKUP_TYPE_DIFFERENTIAL,
  INCREMENTAL: WireBackupType.BACKUP_TYPE_INCREMENTAL,
};

const NONE = Buffer.alloc(0);
const ID_BYTES = 32;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const SHORT_MS = 15_000;
const SIGNING_MS = 60_000;
/** Control reads and opens every one of the frames before it answers. */
const VERIFYING_MS = 2 * 60_000;

export interface ControlAddress {
  /** host:port. */
  readonly address: string;
  /** The name that control's certificate is checked against. */
  readonly serverName: string;
}

export interface GrpcCoordination extends Coordination {
  /** Control serves elsewhere from now on; calls under way end as they do. */
  move(control: ControlAddress): void;
  close(): void;
}

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Control's CoordinationService under the gateway's certificate. A renewed certificate is used for the next connection. */
export function createGrpcCoordination(
  control: ControlAddress,
  identity: experimental.CertificateProvider,
  clock: Clock,
): GrpcCoordination {
  let place = control;
  let client = connect(place, identity);

  function call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    timeoutMs: number,
    over?: AbortSignal,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      over?.throwIfAborted();
      const options = { deadline: clock.now() + timeoutMs };
      const under = method.call(client, request, new Metadata(), options, (error, response) => {
        over?.removeEventListener('abort', leave);
        if (error) reject(over?.aborted ? asHoldfastError(over.reason) : fromGrpcError(error));
        else resolve(response);
      });
      const leave = (): void => under.cancel();
      over?.addEventListener('abort', leave, { once: true });
    });
  }

  return {
    async authorizeSession(agentId, job) {
      const answer = await call(
        client.authorizeSession,
        { agentId: uuidToBytes(agentId), job: toWireJob(job) },
        SHORT_MS,
      );
      return {
        kind: kindOf(answer.kind),
        vault: toStoreRef(answer.vault),
        itemId: uuidFromBytes(answer.itemId),
        domainId: uuidFromBytes(answer.domainId),
        root: rootOf(answer.kind, answer.rootNode),
        sourceAgentId: sourceOf(answer.kind, answer.sourceAgentId),
      };
    },
    async preparePoint({ agentId, job, root, type, basePointId, counters }) {
      const request = {
        agentId: uuidToBytes(agentId),
        job: toWireJob(job),
        rootNode: root,
        type: BACKUP_TYPES[type],
        basePointId,
        counters,
      };
      const answer = await call(client.preparePoint, request, SIGNING_MS);
      if (answer.signedPoint.length === 0) throw confused();
      return { pointId: uuidFromBytes(answer.pointId), signed: answer.signedPoint };
    },
    async recordPoint(agentId, job, point) {
      const request = {
        agentId: uuidToBytes(agentId),
        job: toWireJob(job),
        pointId: uuidToBytes(point.pointId),
        signedPoint: point.signed,
      };
      await call(client.recordPoint, request, SIGNING_MS);
    },
    async releaseFrameKeys(job, frames) {
      const questions = frames.map(({ domainId, sessionKey, frameDigest }) => ({
        domainId: uuidToBytes(domainId),
        sessionKey,
        frameDigest,
      }));
      const { sealedFrameKeys } = await call(
        client.releaseFrameKeys,
        { job: toWireJob(job), frames: questions },
        SIGNING_MS,
      );
      if (sealedFrameKeys.length !== frames.length) throw confused();
      return sealedFrameKeys;
    },
    async cutFrame(job, { domainId, ...cut }, over) {
      const request = { job: toWireJob(job), domainId: uuidToBytes(domainId), ...cut };
      const answer = await call(client.cutFrame, request, SIGNING_MS, over);
      return answer.frame.length === 0 ? undefined : answer;
    },
    async verifyFrames(vaultId, packId, offsets) {
      const request = { vaultId: uuidToBytes(vaultId), packId: uuidToBytes(packId), offsets: [...offsets] };
      const { good, bad } = await call(client.verifyFrames, request, VERIFYING_MS);
      if (good.length % ID_BYTES !== 0 || bad.length % ID_BYTES !== 0) throw confused();
      return { good, bad };
    },
    async reportIncident({ agentId, vaultId, jobId, kind, reason, count }) {
      const request = {
        agentId: uuidToBytes(agentId),
        vaultId: vaultId === undefined ? NONE : uuidToBytes(vaultId),
        jobId: jobId === undefined ? NONE : uuidToBytes(jobId),
        kind: toWireIncidentKind(kind),
        reason,
        count: BigInt(count),
      };
      await call(client.reportIncident, request, SHORT_MS);
    },
    async listVaultStores() {
      const { vaults } = await call(client.listVaultStores, {}, SHORT_MS);
      return vaults.map(toStoreRef);
    },
    async reconcilePoints(vaultId, points) {
      const request = {
        vaultId: uuidToBytes(vaultId),
        points: points.map(({ signed, complete }) => ({ signedPoint: signed, complete })),
      };
      const { adopted, quarantined } = await call(client.reconcilePoints, request, SIGNING_MS);
      return { adopted: adopted.map(uuidFromBytes), quarantined: quarantined.map(uuidFromBytes) };
    },
    move(to) {
      if (to.address === place.address && to.serverName === place.serverName) return;
      client.close();
      place = to;
      client = connect(place, identity);
    },
    close: () => client.close(),
  };
}

function connect(control: ControlAddress, identity: experimental.CertificateProvider): CoordinationServiceClient {
  // The CA signs agents too: a chain to it does not make a server of whoever answers.
  const credentials = experimental.createCertificateProviderChannelCredentials(identity, identity, {
    checkServerIdentity: (host, certificate) => checkServerIdentity(host, certificate) ?? refusalOf(certificate),
  });
  return new CoordinationServiceClient(control.address, credentials, {
    'grpc.ssl_target_name_override': control.serverName,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.initial_reconnect_backoff_ms': 250,
    'grpc.max_reconnect_backoff_ms': 5_000,
  });
}

function refusalOf(certificate: PeerCertificate): Error | undefined {
  const names = certificate.subjectaltname?.split(', ') ?? [];
  return names.some((name) => name.startsWith('URI:holdfast://control/'))
    ? undefined
    : new Error('the certificate is not one of control');
}

function toWireJob({ jobId, epoch }: JobRef): WireJob {
  return { jobId: uuidToBytes(jobId), epoch: BigInt(epoch) };
}

function toStoreRef(vault: VaultStore | undefined): VaultStoreRef {
  if (!vault) throw confused();
  return { vaultId: uuidFromBytes(vault.vaultId), storeUrl: vault.storeUrl };
}

function kindOf(kind: SessionKind): SessionGrant['kind'] {
  switch (kind) {
    case SessionKind.SESSION_KIND_BACKUP:
      return 'backup';
    case SessionKind.SESSION_KIND_RESTORE:
      return 'restore';
    default:
      throw confused();
  }
}

function rootOf(kind: SessionKind, root: Buffer): Buffer | undefined {
  if (kind !== SessionKind.SESSION_KIND_RESTORE) return undefined;
  if (root.length !== ID_BYTES) throw confused();
  return root;
}

function sourceOf(kind: SessionKind, agentId: Buffer): string | undefined {
  if (kind !== SessionKind.SESSION_KIND_RESTORE) return undefined;
  if (agentId.length === 0) throw confused();
  return uuidFromBytes(agentId);
}

function confused(): HoldfastError {
  return new HoldfastError({
    kind: 'Internal',
    code: 'CONTROL_ANSWER',
    message: 'An answer of control does not make sense.',
  });
}
