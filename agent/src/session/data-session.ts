import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type { DataServiceClient } from '@holdfast/proto/v1';
import { PackKind } from '@holdfast/proto/v1';
import type {
  CommitAnswer,
  CommitQuestion,
  DataSession,
  OutgoingPack,
  ReadAnswer,
  SessionTerms,
} from '../jobs/data-transport.js';
import { splitIds } from '../jobs/ids.js';
import { Turns } from '../jobs/turns.js';
import type { Opened } from './data-transport.js';
import { toWireBackupType, toWireCounters } from './job-messages.js';
import { readStream } from './read-stream.js';
import type { SessionLink } from './session-link.js';
import type { Throttle } from './throttle.js';
import { callUnary } from './unary-call.js';
import { sendPack } from './upload-stream.js';

// An existence question may wait until the copies of other agents are verified.
const QUESTION_TIMEOUT_MS = 5 * 60_000;
const COMMIT_TIMEOUT_MS = 15 * 60_000;
const NO_BYTES = Buffer.alloc(0);

export const packKinds = { DATA: PackKind.PACK_KIND_DATA, NODE: PackKind.PACK_KIND_NODE } as const;

/** More bring nothing. */
const READS_AT_ONCE = 4;

export class GrpcDataSession implements DataSession {
  private readonly reads: Turns;

  constructor(
    private readonly link: SessionLink<Opened>,
    readonly terms: SessionTerms,
    private readonly download: Throttle,
  ) {
    this.reads = new Turns(Math.max(1, Math.min(terms.maxParallelReads, READS_AT_ONCE)));
  }

  get generation(): number {
    return this.link.generation;
  }

  async hasChunks(claims: Buffer, signal: AbortSignal): Promise<Buffer> {
    const answer = await this.link.attempt(signal, async ({ client, sessionId, throttle }) => {
      await throttle.take(claims.length, signal);
      return callUnary(bound(client, 'hasChunks'), { sessionId, claims }, { timeoutMs: QUESTION_TIMEOUT_MS, signal });
    });
    return answer.present;
  }

  uploadPack(pack: OutgoingPack, signal: AbortSignal, sent: (bytes: number) => void): Promise<number> {
    return this.link.attempt(signal, (opened, isAgain, goesOn) => {
      const header = { sessionId: opened.sessionId, packId: pack.packId, kind: packKinds[pack.kind] };
      const parts = { header, frames: pack.frames, footer: pack.footer };
      return sendPack(opened, parts, { isAgain, goesOn, sent }, signal);
    });
  }

  async commit(question: CommitQuestion, signal: AbortSignal): Promise<CommitAnswer> {
    const { rootNode, type, basePointId, counters } = question;
    const answer = await this.link.attempt(signal, ({ client, sessionId }) =>
      callUnary(
        bound(client, 'commit'),
        {
          sessionId,
          rootNode,
          type: toWireBackupType(type),
          basePointId: basePointId === undefined ? NO_BYTES : uuidToBytes(basePointId),
          counters: toWireCounters(counters),
        },
        { timeoutMs: COMMIT_TIMEOUT_MS, signal },
      ),
    );
    if (answer.missing.length > 0) return { kind: 'missing', ids: splitIds(answer.missing) };
    return { kind: 'committed', pointId: uuidFromBytes(answer.pointId) };
  }

  readChunks(ids: readonly Buffer[], avoidPacks: readonly Buffer[], signal: AbortSignal): AsyncIterable<ReadAnswer> {
    return readStream({ link: this.link, download: this.download, turns: this.reads }, ids, avoidPacks, signal);
  }

  close(): Promise<void> {
    return this.link.close();
  }
}

type Unary = 'hasChunks' | 'commit';

function bound<Name extends Unary>(client: Opened['client'], name: Name): DataServiceClient[Name] {
  return client[name].bind(client) as DataServiceClient[Name];
}
