import type { ServerWritableStream } from '@grpc/grpc-js';
import { toWireError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import {
  type FetchChunksRequest,
  type FetchChunksResponse,
  type FetchFramesRequest,
  VaultServiceState,
  type VaultStoreServiceServer,
  type VaultService as WireVaultService,
} from '@holdfast/proto/v1';
import { type AuthenticatedCall, callerFromCertificate, requireRole } from '../../platform/grpc/caller.js';
import { unary } from '../../platform/grpc/unary.js';
import type { GatewayCore } from '../gateway-core.js';
import { endSessions } from '../sessions/end-sessions.js';
import { voidAgent } from '../sessions/void-agent.js';
import { getObject, putObject } from '../vault-stores/control-objects.js';
import { VaultLook, type VaultService } from '../vault-stores/describe-vaults.js';
import { type FetchedPart, fetchChunks, fetchFrames } from '../vault-stores/fetch-frames.js';
import { serveStream } from './serve-stream.js';
import { tellIncident } from './tell-incident.js';
import { PIECE_BYTES, readJob, readVault, writePackKind } from './wire.js';

/** VaultStoreService: control only. */
export function createVaultStoreService(core: GatewayCore): VaultStoreServiceServer {
  const { log, vaults } = core;
  const look = new VaultLook(core);
  const requireControl = (call: AuthenticatedCall): void => {
    try {
      requireRole(call, 'control');
    } catch (error) {
      const { role, id } = callerFromCertificate(call);
      if (role === 'agent') tellIncident(core, { kind: 'callForeignService', agentId: id }, error);
      throw error;
    }
  };
  return {
    putObject: unary(log, async ({ vault, name, content }, call) => {
      requireControl(call);
      return { created: await putObject(vaults, readVault(vault), name, content) };
    }),
    getObject: unary(log, async ({ vault, name }, call) => {
      requireControl(call);
      return { content: await getObject(vaults, readVault(vault), name) };
    }),
    fetchChunks: serveStream(
      core,
      async function* (call: ServerWritableStream<FetchChunksRequest, FetchChunksResponse>) {
        requireControl(call);
        const { vault, chunkIds, domainId, avoidPacks } = call.request;
        const from = {
          ...(domainId.length > 0 && { domainId: uuidFromBytes(domainId) }),
          avoidPacks: avoidPacks.map(uuidFromBytes),
        };
        for await (const part of fetchChunks(core, readVault(vault), chunkIds, from)) yield* messagesOf(part);
      },
    ),
    fetchFrames: serveStream(
      core,
      async function* (call: ServerWritableStream<FetchFramesRequest, FetchChunksResponse>) {
        requireControl(call);
        const { vault, packId, offsets } = call.request;
        for await (const part of fetchFrames(core, readVault(vault), uuidFromBytes(packId), offsets))
          yield* messagesOf(part);
      },
    ),
    describeVaults: unary(log, async ({ vaults: asked }, call) => {
      requireControl(call);
      const services = await look.describe(asked.map((vault) => readVault(vault).vaultId));
      return { vaults: services.map(writeService) };
    }),
    voidAgent: unary(log, async ({ agentId }, call) => {
      requireControl(call);
      voidAgent(core, uuidFromBytes(agentId));
      return {};
    }),
    endSessions: unary(log, async ({ job }, call) => {
      requireControl(call);
      endSessions(core, readJob(job));
      return {};
    }),
  };
}

function writeService(service: VaultService): WireVaultService {
  switch (service.state) {
    case 'IN_SERVICE':
      return {
        state: VaultServiceState.VAULT_SERVICE_STATE_IN_SERVICE,
        reason: '',
        message: '',
        space: service.space,
        lostPacks: service.lostPacks,
      };
    case 'STARTING':
      return { state: VaultServiceState.VAULT_SERVICE_STATE_STARTING, reason: '', message: '' };
    case 'OUT_OF_SERVICE': {
      const { message, details } = toWireError(service.failure);
      return { state: VaultServiceState.VAULT_SERVICE_STATE_OUT_OF_SERVICE, reason: details.reason ?? '', message };
    }
  }
}

function* messagesOf(part: FetchedPart): Generator<{ message: FetchChunksResponse; bytes: number }> {
  if (part.kind === 'damaged') {
    yield {
      message: { part: { $case: 'damaged', value: { chunkIds: part.chunkIds, reason: part.reason } } },
      bytes: part.chunkIds.length,
    };
    return;
  }
  const { pack, entry, bytes } = part;
  const head = {
    packId: uuidToBytes(pack.id),
    kind: writePackKind(pack.kind),
    domainId: uuidToBytes(pack.domainId),
    sessionKey: pack.sessionKey,
    frame: entry,
  };
  yield { message: { part: { $case: 'head', value: head } }, bytes: entry.length };
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    yield { message: { part: { $case: 'piece', value: piece } }, bytes: piece.length };
  }
}
