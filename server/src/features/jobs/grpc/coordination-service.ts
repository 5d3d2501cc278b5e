import type { ServerUnaryCall } from '@grpc/grpc-js';
import { idAt, idCount } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { reached } from '@holdfast/core/moments';
import type { CoordinationServiceServer, VaultStore } from '@holdfast/proto/v1';
import { CoordinationServiceService, PackKind, SessionKind } from '@holdfast/proto/v1';
import type { Context, ContextFor } from '../../../platform/context.js';
import type { VaultStoreRef } from '../../../platform/gateway-client.js';
import { callOver } from '../../../platform/grpc/call-over.js';
import {
  type AuthenticatedCall,
  type Caller,
  callerFromCertificate,
  requireRole,
} from '../../../platform/grpc/caller.js';
import type { GrpcService } from '../../../platform/grpc/grpc-server.js';
import { fromWireIncidentKind } from '../../../platform/grpc/incident-kinds.js';
import { peerAddress } from '../../../platform/grpc/peer-address.js';
import { unary } from '../../../platform/grpc/unary.js';
import type { IncidentRelay } from '../../../platform/incidents/incident-relay.js';
import type { Log } from '../../../platform/telemetry/log.js';
import { recordIncident } from '../../agents/use-cases/record-incident.js';
import type { CoordinationUseCases } from '../coordination.js';
import { authorizeSession } from '../use-cases/authorize-session.js';
import { fromCounters, fromWireBackupType, fromWireRef } from './job-messages.js';

/** Gateway → control. Every handler takes the gateway from its certificate; what it says about agents and jobs is checked by the use cases. */
export function coordinationService(
  contextFor: ContextFor,
  log: Log,
  useCases: CoordinationUseCases,
  incidents: Pick<IncidentRelay, 'report'>,
): GrpcService {
  const asGateway = <Request, Response>(
    handle: (ctx: Context, request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
  ) =>
    unary<Request, Response>(log, async (request, call: ServerUnaryCall<Request, Response>) => {
      const { id } = gatewayOf(call, incidents);
      return handle(contextFor({ kind: 'gateway', gatewayId: id }, peerAddress(call)), request, call);
    });

  const handlers: CoordinationServiceServer = {
    authorizeSession: asGateway(async (ctx, request) => {
      const scope = await authorizeSession(ctx, {
        agentId: uuidFromBytes(request.agentId),
        job: fromWireRef(request.job),
      });
      return {
        kind: scope.kind === 'BACKUP' ? SessionKind.SESSION_KIND_BACKUP : SessionKind.SESSION_KIND_RESTORE,
        vault: toWireStore(scope.vault),
        itemId: uuidToBytes(scope.itemId),
        domainId: uuidToBytes(scope.domainId),
        rootNode: Buffer.from(scope.rootNode ?? []),
        sourceAgentId: scope.sourceAgentId === undefined ? Buffer.alloc(0) : uuidToBytes(scope.sourceAgentId),
      };
    }),
    preparePoint: asGateway(async (ctx, request) => {
      const { pointId, signedPoint } = await useCases.preparePoint(ctx, {
        agentId: uuidFromBytes(request.agentId),
        job: fromWireRef(request.job),
        rootNode: request.rootNode,
        type: fromWireBackupType(request.type),
        ...(request.basePointId.length === 0 ? {} : { basePointId: uuidFromBytes(request.basePointId) }),
        counters: fromCounters(request.counters),
      });
      reached('control.point-signed');
      return { pointId: uuidToBytes(pointId), signedPoint: Buffer.from(signedPoint) };
    }),
    recordPoint: asGateway(async (ctx, request) => {
      const { agentId, job, pointId, signedPoint } = request;
      await useCases.recordPoint(ctx, {
        agentId: uuidFromBytes(agentId),
        job: fromWireRef(job),
        pointId: uuidFromBytes(pointId),
        signedPoint,
      });
      reached('control.point-recorded');
      return {};
    }),
    releaseFrameKeys: asGateway(async (ctx, { job, frames }) => {
      const questions = frames.map(({ domainId, sessionKey, frameDigest }) => ({
        domainId: uuidFromBytes(domainId),
        sessionKey,
        frameDigest,
      }));
      const keys = await useCases.releaseFrameKeys(ctx, { job: fromWireRef(job), frames: questions });
      return { sealedFrameKeys: keys.map((key) => Buffer.from(key)) };
    }),
    cutFrame: asGateway(async (ctx, { job, domainId, sessionKey, kind, frame, stored, chunkIds }, call) => {
      const cut = await useCases.cutFrame(ctx, {
        job: fromWireRef(job),
        frame: {
          domainId: uuidFromBytes(domainId),
          packKind: kind === PackKind.PACK_KIND_NODE ? 'NODE' : 'DATA',
          sessionKey,
          frame,
          bytes: stored,
          chunkIds: splitIds(chunkIds),
        },
        over: callOver(call),
      });
      return {
        frame: Buffer.from(cut?.frame ?? []),
        stored: Buffer.from(cut?.stored ?? []),
        sealedFrameKey: Buffer.from(cut?.sealedFrameKey ?? []),
      };
    }),
    verifyFrames: asGateway(async (ctx, { vaultId, packId, offsets }) => {
      const { good, bad } = await useCases.verifyFrames(ctx, {
        vaultId: uuidFromBytes(vaultId),
        packId: uuidFromBytes(packId),
        offsets,
      });
      return { good: Buffer.concat(good), bad: Buffer.concat(bad) };
    }),
    listVaultStores: asGateway(async (ctx) => ({ vaults: (await useCases.listVaultStores(ctx)).map(toWireStore) })),
    reportIncident: asGateway(async (ctx, { agentId, vaultId, jobId, kind, reason, count }) => {
      await recordIncident(ctx, {
        agentId: uuidFromBytes(agentId),
        ...(vaultId.length > 0 && { vaultId: uuidFromBytes(vaultId) }),
        ...(jobId.length > 0 && { jobId: uuidFromBytes(jobId) }),
        kind: fromWireIncidentKind(kind),
        reason,
        count: Number(count),
      });
      return {};
    }),
    reconcilePoints: asGateway(async (ctx, { vaultId, points }) => {
      const { adopted, quarantined } = await useCases.reconcilePoints(ctx, { vaultId: uuidFromBytes(vaultId), points });
      return { adopted: adopted.map(uuidToBytes), quarantined: quarantined.map(uuidToBytes) };
    }),
  };
  return { name: 'holdfast.v1.CoordinationService', definition: CoordinationServiceService, handlers };
}

function gatewayOf(call: AuthenticatedCall, incidents: Pick<IncidentRelay, 'report'>): Caller {
  const caller = callerFromCertificate(call);
  if (caller.role === 'agent')
    incidents.report({ agentId: caller.id, kind: 'callForeignService', reason: 'WRONG_CERTIFICATE_ROLE' });
  return requireRole(call, 'gateway');
}

function toWireStore({ vaultId, storeUrl }: VaultStoreRef): VaultStore {
  return { vaultId: uuidToBytes(vaultId), storeUrl };
}

function splitIds(ids: Buffer): Buffer[] {
  const count = idCount(ids);
  if (count === 0 || !Number.isInteger(count))
    throw new HoldfastError({ kind: 'Validation', code: 'MALFORMED_CHUNK_IDS', message: 'A chunk id has 32 bytes.' });
  return Array.from({ length: count }, (_, place) => idAt(ids, place));
}
