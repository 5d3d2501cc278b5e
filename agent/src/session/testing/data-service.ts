import type { ServerReadableStream } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { asHoldfastError, ERROR_TABLE, HoldfastError, toWireError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type { DataServiceServer, ReadChunksResponse, UploadPackRequest } from '@holdfast/proto/v1';
import { BackupType, PackKind } from '@holdfast/proto/v1';
import type { DataSession } from '../../jobs/data-transport.js';
import { idKey, splitIds } from '../../jobs/ids.js';
import { zeroCounters } from '../../jobs/job.js';
import type { MemoryGateway } from '../../jobs/testing/memory-gateway.js';

const signal = new AbortController().signal;
const PIECE_BYTES = 256 * 1024;

/** The gateway in memory behind the real service, so that the agent's data client is tested over real streams. */
export class TestDataService {
  private readonly sessions = new Map<string, DataSession>();
  private opened = 0;
  private reading = 0;
  mostReadsAtOnce = 0;
  /** What a read is answered with instead of what it asks for, as by a gateway in strange hands. */
  readsAnswered: readonly NonNullable<ReadChunksResponse['part']>[] | undefined;
  /** Each upload and each read has to give way to others after so many bytes of frames. */
  givesWayAfter = Number.POSITIVE_INFINITY;
  /** What uploads that come again are told that there is of them already, as by a gateway in strange hands. */
  saysReceived: string | undefined;
  /** Bytes of frames that were sent to readers. */
  served = 0;
  /** Calls so far, by name. */
  readonly calls: Record<string, number> = {};
  /** Bytes of frames that arrived, by pack. */
  readonly arrived = new Map<string, number>();
  private readonly stored = new Map<string, bigint>();
  private readonly paused = new Map<string, { readonly frames: Buffer[]; readonly pieces: Buffer[] }>();

  constructor(private readonly gateway: MemoryGateway) {}

  /** As after a restart of the gateway. */
  forgetSessions(): void {
    this.sessions.clear();
    this.gateway.openSessions = 0;
  }

  readonly service: DataServiceServer = {
    openSession: (call, answer) =>
      this.run('openSession', answer, async () => {
        const { jobId = Buffer.alloc(16), epoch = 0n } = call.request.job ?? {};
        const session = await this.gateway.openSession({ jobId: uuidFromBytes(jobId), epoch }, signal);
        const sessionId = Buffer.alloc(16, ++this.opened);
        this.sessions.set(sessionId.toString('hex'), session);
        return { sessionId, ...session.terms };
      }),
    hasChunks: (call, answer) =>
      this.run('hasChunks', answer, async () => ({
        present: await this.find(call.request.sessionId).hasChunks(call.request.claims, signal),
      })),
    uploadPack: (call, answer) => this.run('uploadPack', answer, () => this.receive(call)),
    commit: (call, answer) =>
      this.run('commit', answer, async () => {
        const { rootNode, type, basePointId } = call.request;
        const types = {
          [BackupType.BACKUP_TYPE_DIFFERENTIAL]: 'DIFFERENTIAL',
          [BackupType.BACKUP_TYPE_INCREMENTAL]: 'INCREMENTAL',
        } as const;
        const question = {
          rootNode,
          type: types[type as keyof typeof types] ?? 'FULL',
          basePointId: basePointId.length === 0 ? undefined : uuidFromBytes(basePointId),
          counters: zeroCounters(),
        };
        const outcome = await this.find(call.request.sessionId).commit(question, signal);
        if (outcome.kind === 'missing') return { pointId: Buffer.alloc(0), missing: Buffer.concat(outcome.ids) };
        return { pointId: uuidToBytes(outcome.pointId), missing: Buffer.alloc(0) };
      }),
    readChunks: (call) => {
      this.count('readChunks');
      this.reading += 1;
      this.mostReadsAtOnce = Math.max(this.mostReadsAtOnce, this.reading);
      call.once('close', () => (this.reading -= 1));
      if (this.readsAnswered !== undefined) {
        for (const part of this.readsAnswered) call.write({ part });
        return void call.end();
      }
      const send = async (): Promise<void> => {
        const { sessionId, chunkIds, avoidPacks, held } = call.request;
        const pieceBytes = call.request.pieceBytes || PIECE_BYTES;
        let room = this.givesWayAfter;
        for await (const answer of this.find(sessionId).readChunks(splitIds(chunkIds), avoidPacks, signal)) {
          if (answer.kind === 'damaged') {
            call.write({
              part: { $case: 'damaged', value: { chunkIds: Buffer.concat(answer.ids), reason: answer.reason } },
            });
            continue;
          }
          const { packId, kind, entry, sealedKey, domainId, stored } = answer.frame;
          const heldBytes = held?.packId.equals(packId) && held.frame.equals(entry) ? held.bytes : 0;
          const head = {
            packId,
            kind: kind === 'NODE' ? PackKind.PACK_KIND_NODE : PackKind.PACK_KIND_DATA,
            frame: entry,
            sealedFrameKey: sealedKey,
            domainId,
            heldBytes,
          };
          call.write({ part: { $case: 'head', value: head } });
          for (let at = heldBytes; at < stored.length; at += pieceBytes) {
            const piece = stored.subarray(at, at + pieceBytes);
            if (room < piece.length) throw placeGivenUp();
            room -= piece.length;
            this.served += piece.length;
            call.write({ part: { $case: 'piece', value: piece } });
          }
        }
        call.end();
      };
      send().catch((error: unknown) => call.emit('error', toStatus(error)));
    },
    closeSession: (call, answer) =>
      this.run('closeSession', answer, async () => {
        await this.find(call.request.sessionId).close();
        return {};
      }),
  };

  private async receive(call: ServerReadableStream<UploadPackRequest, unknown>): Promise<{ storedBytes: bigint }> {
    let session: DataSession | undefined;
    let packId = Buffer.alloc(0) as Buffer;
    let kind: 'DATA' | 'NODE' = 'DATA';
    let frames: Buffer[] = [];
    let pieces: Buffer[] = [];
    let room = this.givesWayAfter;
    for await (const { part } of call as AsyncIterable<UploadPackRequest>) {
      if (part?.$case === 'header') {
        session = this.find(part.value.sessionId);
        packId = part.value.packId;
        const storedBytes = this.stored.get(idKey(packId));
        if (storedBytes !== undefined) return { storedBytes };
        const paused = part.value.again ? this.paused.get(idKey(packId)) : undefined;
        frames = paused?.frames ?? [];
        pieces = paused?.pieces ?? [];
        const metadata = new Metadata();
        const received = `${Buffer.concat([...frames, ...pieces]).length}`;
        metadata.set('holdfast-received-bytes', this.saysReceived ?? received);
        call.sendMetadata(metadata);
        kind = part.value.kind === PackKind.PACK_KIND_NODE ? 'NODE' : 'DATA';
      } else if (part?.$case === 'frame') {
        room -= part.value.data.length;
        if (room < 0) {
          this.paused.set(idKey(packId), { frames, pieces });
          throw placeGivenUp();
        }
        pieces.push(part.value.data);
        this.arrived.set(idKey(packId), (this.arrived.get(idKey(packId)) ?? 0) + part.value.data.length);
        if (part.value.last) frames.push(Buffer.concat(pieces.splice(0)));
      } else if (part?.$case === 'footer' && session !== undefined) {
        pieces.push(part.value.data);
        if (!part.value.last) continue;
        const footer = Buffer.concat(pieces);
        const bytes = frames.reduce((sum, frame) => sum + frame.length, footer.length);
        const storedBytes = BigInt(
          await session.uploadPack({ packId, kind, frames, footer, bytes }, signal, () => undefined),
        );
        this.stored.set(idKey(packId), storedBytes);
        return { storedBytes };
      }
    }
    throw new HoldfastError({ kind: 'Validation', code: 'NO_FOOTER', message: 'An upload ended without its footer.' });
  }

  private find(sessionId: Buffer): DataSession {
    const session = this.sessions.get(sessionId.toString('hex'));
    if (session !== undefined) return session;
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'SESSION_UNKNOWN',
      message: 'The gateway knows no such session: open a new one.',
    });
  }

  private run<T>(
    name: string,
    answer: (error: ReturnType<typeof toStatus> | null, value?: T) => void,
    work: () => Promise<T>,
  ): void {
    this.count(name);
    work().then(
      (value) => answer(null, value),
      (error: unknown) => answer(toStatus(error)),
    );
  }

  private count(name: string): void {
    this.calls[name] = (this.calls[name] ?? 0) + 1;
  }
}

function placeGivenUp(): HoldfastError {
  return new HoldfastError({ kind: 'RateLimited', code: 'PLACE_GIVEN_UP', message: 'Others wait.' });
}

function toStatus(thrown: unknown) {
  const error = asHoldfastError(thrown);
  const metadata = new Metadata();
  metadata.set('holdfast-error-bin', Buffer.from(JSON.stringify(toWireError(error))));
  return {
    name: 'HoldfastError',
    message: error.message,
    code: ERROR_TABLE[error.kind].grpcStatus,
    details: error.message,
    metadata,
  };
}
