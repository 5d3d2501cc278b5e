/** The agent's side and the gateway's side of a data session over the simulated network, with the real code of both behind it. */
import { PackKind } from '@holdfast/core/engine';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { reached } from '@holdfast/core/moments';
import type {
  CommitAnswer,
  CommitQuestion,
  DataSession,
  DataTransport,
  OnWait,
  OutgoingPack,
  ReadAnswer,
  SessionTerms,
} from '../../agent/src/jobs/data-transport.js';
import { splitIds } from '../../agent/src/jobs/ids.js';
import type { JobRef } from '../../agent/src/jobs/job.js';
import type { OpenedSession, SessionLinkPorts } from '../../agent/src/session/session-link.js';
import { SessionLink } from '../../agent/src/session/session-link.js';
import type { GatewayCore } from '../../server/src/gateway/gateway-core.js';
import { commitSession } from '../../server/src/gateway/sessions/commit-session.js';
import { hasChunks } from '../../server/src/gateway/sessions/has-chunks.js';
import { openSession } from '../../server/src/gateway/sessions/open-session.js';
import { readChunks } from '../../server/src/gateway/sessions/read-chunks.js';
import type { Life } from './life.js';
import { type Link, receive, type UploadWatch } from './simulated-upload.js';

interface Opened extends OpenedSession {
  readonly sessionId: string;
  readonly terms: SessionTerms;
}

export interface SimulatedTransportPorts extends Omit<SessionLinkPorts<Opened>, 'open' | 'onWait'> {
  readonly life: Life;
  readonly agentId: string;
  /** Calls the gateway. */
  readonly call: <T>(work: (core: GatewayCore) => Promise<T>) => Promise<T>;
  readonly link: Link;
  readonly watch: UploadWatch & {
    /** Its answer came: every chunk of it is durable. */
    acknowledged(pack: OutgoingPack): void;
    answered(claims: Buffer, present: Buffer): void;
  };
}

export class SimulatedTransport implements DataTransport {
  constructor(private readonly ports: SimulatedTransportPorts) {}

  async openSession(job: JobRef, signal: AbortSignal, onWait: OnWait): Promise<DataSession> {
    const link = new SessionLink<Opened>({ ...this.ports, open: (ref) => this.open(ref), onWait }, job);
    const terms = await link.attempt(signal, (opened) => Promise.resolve(opened.terms));
    return new SimulatedSession(this.ports, link, terms);
  }

  private open({ jobId, epoch }: JobRef): Promise<Opened> {
    const { call, agentId } = this.ports;
    return call(async (core) => {
      const session = await openSession(core, agentId, { jobId, epoch: Number(epoch) });
      const { maxPackBytes, maxClaimsPerQuestion, maxUploadsPerSession, maxReadsPerSession } = core.limits;
      return {
        sessionId: session.id,
        terms: {
          maxPackBytes,
          maxClaimsPerQuestion,
          maxParallelUploads: maxUploadsPerSession,
          maxParallelReads: maxReadsPerSession,
          padFrames: false,
          damage: session.vault.index.damageKnownTo(agentId),
        },
        close: () => call(async (now) => now.sessions.close(now.sessions.find(agentId, session.id))),
        letGo: () => undefined,
      };
    });
  }
}

class SimulatedSession implements DataSession {
  constructor(
    private readonly ports: SimulatedTransportPorts,
    private readonly link: SessionLink<Opened>,
    readonly terms: SessionTerms,
  ) {}

  get generation(): number {
    return this.link.generation;
  }

  async hasChunks(claims: Buffer, signal: AbortSignal): Promise<Buffer> {
    const present = await this.ask(signal, (core, sessionId) =>
      hasChunks(core.sessions.find(this.ports.agentId, sessionId), claims, core.limits, signal),
    );
    this.ports.watch.answered(claims, present);
    return present;
  }

  async uploadPack(pack: OutgoingPack, signal: AbortSignal): Promise<number> {
    const { call, clock, watch } = this.ports;
    const stored = await this.link.attempt(signal, ({ sessionId }, again, goesOn) =>
      call(async (core) => {
        const bytes = await receive(core, { ...this.ports, timers: clock, sessionId, goesOn }, pack, again);
        reached('gateway.pack-answered');
        return bytes;
      }),
    );
    watch.acknowledged(pack);
    return stored;
  }

  async commit(question: CommitQuestion, signal: AbortSignal): Promise<CommitAnswer> {
    const { rootNode, type, basePointId, counters } = question;
    const outcome = await this.ask(signal, (core, sessionId) =>
      commitSession(core, core.sessions.find(this.ports.agentId, sessionId), {
        root: Buffer.from(rootNode),
        type,
        basePointId: basePointId === undefined ? Buffer.alloc(0) : uuidToBytes(basePointId),
        counters: bigCounters(counters),
      }),
    );
    return outcome.kind === 'committed' ? outcome : { kind: 'missing', ids: splitIds(outcome.ids) };
  }

  async *readChunks(
    ids: readonly Buffer[],
    avoidPacks: readonly Buffer[],
    signal: AbortSignal,
  ): AsyncGenerator<ReadAnswer> {
    const avoid = avoidPacks.map(uuidFromBytes);
    yield* await this.ask(signal, async (core, sessionId) => {
      const session = core.sessions.find(this.ports.agentId, sessionId);
      const answers: ReadAnswer[] = [];
      for await (const part of readChunks(core, session, Buffer.concat(ids), avoid, session.signal)) {
        if (part.kind === 'damaged') {
          answers.push({ kind: 'damaged', ids: splitIds(part.chunkIds), reason: part.reason });
          continue;
        }
        const frame = {
          packId: uuidToBytes(part.pack.id),
          kind: part.pack.kind === PackKind.PACK_KIND_NODE ? ('NODE' as const) : ('DATA' as const),
          entry: part.entry,
          sealedKey: part.sealedFrameKey,
          domainId: uuidToBytes(part.pack.domainId),
          stored: part.bytes,
        };
        answers.push({ kind: 'frame', frame });
      }
      return answers;
    });
  }

  close(): Promise<void> {
    return this.link.close();
  }

  private ask<T>(signal: AbortSignal, work: (core: GatewayCore, sessionId: string) => Promise<T>): Promise<T> {
    return this.link.attempt(signal, ({ sessionId }) => this.ports.call((core) => work(core, sessionId)));
  }
}

function bigCounters(counters: CommitQuestion['counters']) {
  return {
    entries: BigInt(counters.entries),
    files: BigInt(counters.files),
    bytesTotal: BigInt(counters.bytesTotal),
    bytesRead: BigInt(counters.bytesRead),
    bytesChanged: BigInt(counters.bytesChanged),
    bytesSent: BigInt(counters.bytesSent),
    bytesStored: BigInt(counters.bytesStored),
    bytesWritten: BigInt(counters.bytesWritten),
    warnings: BigInt(counters.warnings),
    entriesSkipped: BigInt(counters.entriesSkipped),
  };
}
