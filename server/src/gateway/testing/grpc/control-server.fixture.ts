import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { type CoordinationServiceServer, SessionKind } from '@holdfast/proto/v1';
import { callOver } from '../../../platform/grpc/call-over.js';
import { requireRole } from '../../../platform/grpc/caller.js';
import { fromWireIncidentKind } from '../../../platform/grpc/incident-kinds.js';
import { unary } from '../../../platform/grpc/unary.js';
import type { Log } from '../../../platform/telemetry/log.js';
import type { Coordination } from '../../coordination/coordination.js';
import { readBackupType, readJob } from '../../grpc/wire.js';

const NONE = Buffer.alloc(0);

/** Control's door for gateways over a Coordination: the other end of the wire that the gateway's client speaks. */
export function coordinationServer(control: Coordination, log: Log): CoordinationServiceServer {
  const toWire = ({ vaultId, storeUrl }: { vaultId: string; storeUrl: string }) => ({
    vaultId: uuidToBytes(vaultId),
    storeUrl,
  });
  return {
    authorizeSession: unary(log, async (request, call) => {
      requireRole(call, 'gateway');
      const { kind, vault, itemId, domainId, root, sourceAgentId } = await control.authorizeSession(
        uuidFromBytes(request.agentId),
        readJob(request.job),
      );
      return {
        kind: kind === 'backup' ? SessionKind.SESSION_KIND_BACKUP : SessionKind.SESSION_KIND_RESTORE,
        vault: toWire(vault),
        itemId: uuidToBytes(itemId),
        domainId: uuidToBytes(domainId),
        rootNode: root ?? NONE,
        sourceAgentId: sourceAgentId === undefined ? NONE : uuidToBytes(sourceAgentId),
      };
    }),
    preparePoint: unary(log, async ({ agentId, job, rootNode, type, basePointId, counters }) => {
      const point = await control.preparePoint({
        agentId: uuidFromBytes(agentId),
        job: readJob(job),
        root: rootNode,
        type: readBackupType(type),
        basePointId,
        counters,
      });
      return { pointId: uuidToBytes(point.pointId), signedPoint: point.signed };
    }),
    recordPoint: unary(log, async ({ agentId, job, pointId, signedPoint }) => {
      await control.recordPoint(uuidFromBytes(agentId), readJob(job), {
        pointId: uuidFromBytes(pointId),
        signed: signedPoint,
      });
      return {};
    }),
    releaseFrameKeys: unary(log, async ({ job, frames }) => {
      const questions = frames.map(({ domainId, ...rest }) => ({ domainId: uuidFromBytes(domainId), ...rest }));
      return { sealedFrameKeys: await control.releaseFrameKeys(readJob(job), questions) };
    }),
    cutFrame: unary(log, async ({ job, domainId, kind, ...frame }, call) => {
      const toCut = { ...frame, domainId: uuidFromBytes(domainId), kind: Number(kind) };
      const cut = await control.cutFrame(readJob(job), toCut, callOver(call));
      return cut ?? { frame: NONE, stored: NONE, sealedFrameKey: NONE };
    }),
    verifyFrames: unary(log, async ({ vaultId, packId, offsets }) =>
      control.verifyFrames(uuidFromBytes(vaultId), uuidFromBytes(packId), offsets),
    ),
    listVaultStores: unary(log, async () => ({ vaults: (await control.listVaultStores()).map(toWire) })),
    reportIncident: unary(log, async ({ agentId, kind, reason, count }) => {
      await control.reportIncident({
        agentId: uuidFromBytes(agentId),
        kind: fromWireIncidentKind(kind),
        reason,
        count: Number(count),
      });
      return {};
    }),
    reconcilePoints: unary(log, async ({ vaultId, points }) => {
      const found = points.map(({ signedPoint, complete }) => ({ signed: signedPoint, complete }));
      const { adopted, quarantined } = await control.reconcilePoints(uuidFromBytes(vaultId), found);
      return { adopted: adopted.map(uuidToBytes), quarantined: quarantined.map(uuidToBytes) };
    }),
  };
}
