import type { ChannelCredentials, ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { experimental, Metadata } from '@grpc/grpc-js';
import type { Clock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type {
  DescribeVaultsResponse,
  FetchChunksResponse,
  VaultStore,
  FetchedFrame as WireFrame,
  VaultService as WireVaultService,
} from '@holdfast/proto/v1';
import { PackKind, VaultServiceState, VaultStoreServiceClient } from '@holdfast/proto/v1';
import type { Fetched, FetchedFrame, GatewayClient, VaultService, VaultStoreRef } from '../gateway-client.js';
import type { RotatingIdentity } from '../pki/rotating-identity.js';
import { fromGrpcError } from './errors.js';

export interface GatewayAddress {
  /** host:port of the gateway's data listener. */
  readonly address: string;
  /** The name that its certificate is checked against, when it is not the address's. */
  readonly serverName?: string;
}

export interface GrpcGatewayClient extends GatewayClient {
  close(): void;
}

const NONE = Buffer.alloc(0);
const NO_METADATA = new Metadata();
const CALL_TIMEOUT_MS = 30_000;
/** People wait for the answer, and a gateway that has one has it at once: it bounds its own questions to stores. */
const DESCRIBE_TIMEOUT_MS = 5_000;
const CHUNK_ID_BYTES = 32;
const LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024;
// A frame is at most a chunk sealed; what is larger did not come from a pack.
const LARGEST_FRAME_BYTES = 64 * 1024 * 1024;

/** Control's side of VaultStoreService, under control's own certificate. The connection is made when first needed. */
export function createGrpcGatewayClient(
  gateway: GatewayAddress,
  identity: RotatingIdentity,
  clock: Clock,
): GrpcGatewayClient {
  const client = new VaultStoreServiceClient(gateway.address, credentialsOf(identity), {
    'grpc.max_receive_message_length': LARGEST_MESSAGE_BYTES,
    'grpc.max_send_message_length': LARGEST_MESSAGE_BYTES,
    ...(gateway.serverName === undefined ? {} : { 'grpc.ssl_target_name_override': gateway.serverName }),
  });
  const deadline = (ms = CALL_TIMEOUT_MS): { deadline: Date } => ({ deadline: new Date(clock.now() + ms) });

  function call<Response>(
    signal: AbortSignal | undefined,
    start: (done: (error: ServiceError | null, response: Response) => void) => { cancel(): void },
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(cancelled(signal));
      const under = start((error, response) => {
        signal?.removeEventListener('abort', stop);
        if (error) reject(fromGrpcError(error));
        else resolve(response);
      });
      const stop = (): void => under.cancel();
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  async function* fetched(
    open: () => ClientReadableStream<FetchChunksResponse>,
    signal?: AbortSignal,
  ): AsyncGenerator<Fetched> {
    if (signal?.aborted) throw cancelled(signal);
    const stream = open();
    const stop = (): void => stream.cancel();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      yield* assemble(stream);
    } catch (error) {
      throw fromGrpcError(error);
    } finally {
      signal?.removeEventListener('abort', stop);
      stream.cancel();
    }
  }

  return {
    putObject: async (vault, name, content, signal) =>
      (
        await call<{ created: boolean }>(signal, (done) =>
          client.putObject(
            { vault: toWire(vault), name, content: Buffer.from(content) },
            NO_METADATA,
            deadline(),
            done,
          ),
        )
      ).created,
    getObject: async (vault, name, signal) =>
      Buffer.from(
        (
          await call<{ content: Uint8Array }>(signal, (done) =>
            client.getObject({ vault: toWire(vault), name }, NO_METADATA, deadline(), done),
          )
        ).content,
      ),
    fetchChunks: (vault, chunkIds, { domainId, avoidPacks = [] } = {}, signal) =>
      fetched(
        () =>
          client.fetchChunks({
            vault: toWire(vault),
            chunkIds: Buffer.concat(chunkIds),
            domainId: domainId === undefined ? NONE : uuidToBytes(domainId),
            avoidPacks: avoidPacks.map(uuidToBytes),
          }),
        signal,
      ),
    fetchFrames: (vault, packId, offsets, signal) =>
      fetched(
        () => client.fetchFrames({ vault: toWire(vault), packId: uuidToBytes(packId), offsets: [...offsets] }),
        signal,
      ),
    describeVaults: async (vaults) => {
      const answer = await call<DescribeVaultsResponse>(undefined, (done) =>
        client.describeVaults({ vaults: vaults.map(toWire) }, NO_METADATA, deadline(DESCRIBE_TIMEOUT_MS), done),
      );
      if (answer.vaults.length !== vaults.length) throw confused();
      return answer.vaults.map(readService);
    },
    voidAgent: async (agentId) => {
      await call(undefined, (done) =>
        client.voidAgent({ agentId: uuidToBytes(agentId) }, NO_METADATA, deadline(), done),
      );
    },
    endSessions: async (job) => {
      await call(undefined, (done) =>
        client.endSessions(
          { job: { jobId: uuidToBytes(job.jobId), epoch: BigInt(job.epoch) } },
          NO_METADATA,
          deadline(),
          done,
        ),
      );
    },
    close: () => client.close(),
  };
}

/** The identity's certificate as a client shows it; a renewed one is used for the next connection. */
function credentialsOf(identity: RotatingIdentity): ChannelCredentials {
  return experimental.createCertificateProviderChannelCredentials(identity, identity);
}

async function* assemble(stream: AsyncIterable<FetchChunksResponse>): AsyncGenerator<Fetched> {
  let head: WireFrame | undefined;
  let pieces: Uint8Array[] = [];
  let length = 0;
  const complete = (): Fetched | undefined => {
    if (!head) return undefined;
    return { kind: 'frame', frame: frameOf(head, pieces) };
  };
  for await (const { part } of stream) {
    switch (part?.$case) {
      case 'piece':
        length += part.value.length;
        if (!head || length > LARGEST_FRAME_BYTES) throw confused();
        pieces.push(part.value);
        break;
      case 'head':
      case 'damaged': {
        const frame = complete();
        head = part.$case === 'head' ? part.value : undefined;
        pieces = [];
        length = 0;
        if (frame) yield frame;
        if (part.$case === 'damaged')
          yield { kind: 'damaged', chunkIds: split(part.value.chunkIds), reason: part.value.reason };
        break;
      }
      case undefined:
        throw confused();
    }
  }
  const last = complete();
  if (last) yield last;
}

function frameOf(head: WireFrame, pieces: readonly Uint8Array[]): FetchedFrame {
  if (head.kind !== PackKind.PACK_KIND_DATA && head.kind !== PackKind.PACK_KIND_NODE) throw confused();
  return {
    packId: uuidFromBytes(head.packId),
    packKind: head.kind === PackKind.PACK_KIND_DATA ? 'DATA' : 'NODE',
    domainId: uuidFromBytes(head.domainId),
    sessionKey: head.sessionKey,
    frame: head.frame,
    bytes: pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces),
  };
}

function readService({ state, reason, message, space, lostPacks }: WireVaultService): VaultService {
  switch (state) {
    case VaultServiceState.VAULT_SERVICE_STATE_IN_SERVICE:
      return { state: 'IN_SERVICE', space, lostPacks };
    case VaultServiceState.VAULT_SERVICE_STATE_STARTING:
      return { state: 'STARTING' };
    case VaultServiceState.VAULT_SERVICE_STATE_OUT_OF_SERVICE:
      return { state: 'OUT_OF_SERVICE', reason, message };
    default:
      throw confused();
  }
}

function split(ids: Uint8Array): Uint8Array[] {
  if (ids.length % CHUNK_ID_BYTES !== 0) throw confused();
  return Array.from({ length: ids.length / CHUNK_ID_BYTES }, (_, index) =>
    ids.subarray(index * CHUNK_ID_BYTES, (index + 1) * CHUNK_ID_BYTES),
  );
}

function toWire(vault: VaultStoreRef): VaultStore {
  return { vaultId: uuidToBytes(vault.vaultId), storeUrl: vault.storeUrl };
}

function confused(): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: 'GATEWAY_ANSWER',
    message: "The gateway's answer does not make sense.",
  });
}

function cancelled(signal: AbortSignal): HoldfastError {
  return new HoldfastError({
    kind: 'Cancelled',
    code: 'CALL_CANCELLED',
    message: 'The call was cancelled.',
    cause: signal.reason,
  });
}
