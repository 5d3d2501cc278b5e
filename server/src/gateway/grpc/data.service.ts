import type { handleUnaryCall, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { YoungGarbage } from '@holdfast/core/memory';
import type { DataServiceServer, HeldFrame, JobRef, ReadChunksRequest, ReadChunksResponse } from '@holdfast/proto/v1';
import { callOver } from '../../platform/grpc/call-over.js';
import { requireRole } from '../../platform/grpc/caller.js';
import { unary } from '../../platform/grpc/unary.js';
import type { IncidentKind } from '../../platform/incidents/incident.js';
import type { GatewayCore } from '../gateway-core.js';
import { commitSession } from '../sessions/commit-session.js';
import { hasChunks } from '../sessions/has-chunks.js';
import { openSession } from '../sessions/open-session.js';
import { type ReadPart, readChunks } from '../sessions/read-chunks.js';
import { readPieceBytes } from './encode-read.js';
import { serveStream } from './serve-stream.js';
import { tellIncident } from './tell-incident.js';
import { uploadPack } from './upload-pack.js';
import { readBackupType, readJob, writePackKind } from './wire.js';

const NONE = Buffer.alloc(0);
/** A frame as it is read, and once more as messages. */
const garbage = new YoungGarbage();

/** DataService: agents only. The session named in a call must be one that the same agent opened. */
export function createDataService(core: GatewayCore): DataServiceServer {
  const { limits, log, sessions } = core;

  function forAgent<Request extends NamesItsWork, Response>(
    kind: IncidentKind,
    handle: (agentId: string, request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return unary(log, async (request, call) => {
      const agentId = requireRole(call, 'agent').id;
      try {
        return await handle(agentId, request, call);
      } catch (error) {
        tellIncident(core, { kind, agentId, ...workOf(request) }, error);
        throw error;
      }
    });
  }

  return {
    openSession: forAgent('openSession', async (agentId, { job }) => {
      const session = await openSession(core, agentId, readJob(job));
      return {
        sessionId: uuidToBytes(session.id),
        maxPackBytes: limits.maxPackBytes,
        maxClaimsPerQuestion: limits.maxClaimsPerQuestion,
        maxParallelUploads: limits.maxUploadsPerSession,
        maxParallelReads: limits.maxReadsPerSession,
        padFrames: session.vault.store.remote,
        damage: session.vault.index.damageKnownTo(agentId),
      };
    }),
    hasChunks: forAgent('hasChunks', async (agentId, { sessionId, claims }, call) => {
      const session = sessions.find(agentId, uuidFromBytes(sessionId));
      return { present: await hasChunks(session, claims, limits, callOver(call)) };
    }),
    uploadPack: uploadPack(core),
    commit: forAgent('commit', async (agentId, { sessionId, rootNode, type, basePointId, counters }) => {
      const session = sessions.find(agentId, uuidFromBytes(sessionId));
      const request = { root: rootNode, type: readBackupType(type), basePointId, counters };
      const outcome = await commitSession(core, session, request);
      if (outcome.kind === 'missing') return { pointId: NONE, missing: outcome.ids };
      core.verifier.wake();
      return { pointId: uuidToBytes(outcome.pointId), missing: NONE };
    }),
    readChunks: serveStream(
      core,
      async function* (call: ServerWritableStream<ReadChunksRequest, ReadChunksResponse>, sender) {
        const { sessionId, chunkIds, avoidPacks, pieceBytes, held } = call.request;
        const agentId = requireRole(call, 'agent').id;
        try {
          const session = sessions.find(agentId, uuidFromBytes(sessionId));
          const gone = AbortSignal.any([session.signal, sender.signal]);
          const place = await session.waitingFor(() =>
            core.reads.enter({ group: session.vault.vaultId, key: agentId }, gone),
          );
          try {
            const over = AbortSignal.any([gone, place.signal]);
            for await (const part of readChunks(core, session, chunkIds, avoidPacks.map(uuidFromBytes), over)) {
              for (const message of messagesOf(part, readPieceBytes(pieceBytes), held)) yield { ...message, over };
            }
            await sender.drained(over);
          } finally {
            place.leave(sender.closed);
          }
        } catch (error) {
          tellIncident(core, { kind: 'readChunks', agentId, sessionId }, error);
          throw error;
        }
      },
    ),
    closeSession: forAgent('closeSession', async (agentId, { sessionId }) => {
      sessions.close(sessions.find(agentId, uuidFromBytes(sessionId)));
      return {};
    }),
  };
}

/** Every request of an agent names its session, or the job that it wants one for. */
interface NamesItsWork {
  readonly sessionId?: Buffer;
  readonly job?: JobRef | undefined;
}

function workOf({ sessionId, job }: NamesItsWork): { readonly sessionId?: Buffer; readonly jobId?: Buffer } {
  return { ...(sessionId && { sessionId }), ...(job && { jobId: job.jobId }) };
}

function* messagesOf(
  part: ReadPart,
  pieceBytes: number,
  held: HeldFrame | undefined,
): Generator<{ message: ReadChunksResponse; bytes: number }> {
  if (part.kind === 'damaged') {
    yield {
      message: { part: { $case: 'damaged', value: { chunkIds: part.chunkIds, reason: part.reason } } },
      bytes: part.chunkIds.length,
    };
    return;
  }
  const { pack, entry, sealedFrameKey, bytes } = part;
  const packId = uuidToBytes(pack.id);
  const isHeld =
    held !== undefined && held.bytes <= bytes.length && held.packId.equals(packId) && held.frame.equals(entry);
  const heldBytes = isHeld ? held.bytes : 0;
  const head = {
    packId,
    kind: writePackKind(pack.kind),
    frame: entry,
    sealedFrameKey,
    domainId: uuidToBytes(pack.domainId),
    heldBytes,
  };
  garbage.add(2 * bytes.length);
  yield { message: { part: { $case: 'head', value: head } }, bytes: entry.length };
  for (let at = heldBytes; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    yield { message: { part: { $case: 'piece', value: piece } }, bytes: piece.length };
  }
}
