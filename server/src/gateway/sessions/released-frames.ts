import type { Timers } from '@holdfast/core/clock';
import { encodeFrameEntry, frameDigest } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { CONTROL_MESSAGE_BYTES } from '../../platform/grpc/connection-limits.js';
import type { IncidentRelay } from '../../platform/incidents/incident-relay.js';
import type { Pace } from '../../platform/pace.js';
import type { Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import type { Coordination, FrameKeyQuestion, FrameToCut } from '../coordination/coordination.js';
import type { PlannedFrame, Wanted } from '../vault-stores/frame-plan.js';
import { allowAllBelowRoot, allowBelow } from './reachable-chunks.js';
import type { Session } from './session.js';

const ID_BYTES = 32;
const KEYS_PER_QUESTION = 1_024;
/** What stands around a frame in a message: the job, the wrapped session key, lengths. */
const MESSAGE_SLACK_BYTES = 4_096;

const TOO_LARGE_TO_CUT = 'FRAME_TOO_LARGE_TO_CUT';

const MIB = 1024 * 1024;
/** What a cut takes of control's opening thread: opening and sealing again, and naming what goes along. */
const CUT_MS_PER_MIB = 1.5;
const CUT_MS_PER_CHUNK = 0.006;

export interface ReleasePorts {
  readonly coordination: Pick<Coordination, 'releaseFrameKeys' | 'cutFrame'>;
  readonly incidents: Pick<IncidentRelay, 'report'>;
  readonly cuts: Pick<Pace, 'roomInMs' | 'spend'>;
  readonly timers: Pick<Timers, 'sleep'>;
}

export interface ReleasedFrame {
  readonly kind: 'frame';
  readonly pack: Pack;
  /** FrameEntry, encoded. */
  readonly entry: Buffer;
  readonly sealedFrameKey: Buffer;
  /** The frame's stored bytes, whole. */
  readonly bytes: Buffer;
}

/**
 * Frames of one read, as the session's agent may have them. A frame goes out with all that lies in it: only what the agent that made the
 * point put together itself, or what lies below the point with every chunk. Of other frames what lies below the point is cut out: all of it at once, for a
 * restore that asks for one directory asks for its neighbours next.
 */
export class ReleasedFrames {
  private readonly keys = new Map<number, { readonly entry: Buffer; readonly sealed: Buffer }>();

  constructor(
    private readonly ports: ReleasePorts,
    private readonly session: Session,
    /** Fires when the session ends, or nobody waits for the read any more. */
    private readonly over: AbortSignal,
  ) {}

  /** Has the keys of those at hand that go out whole. */
  async askKeys(frames: readonly PlannedFrame[]): Promise<void> {
    const whole: PlannedFrame[] = [];
    const turn = this.session.turn();
    for (const planned of frames) {
      await turn.pass();
      this.over.throwIfAborted();
      if (await this.mayHaveWhole(planned)) whole.push(planned);
    }
    for (let from = 0; from < whole.length; from += KEYS_PER_QUESTION) {
      const asked = whole.slice(from, from + KEYS_PER_QUESTION).map((planned) => this.keyQuestion(planned));
      const sealed = await this.ports.coordination.releaseFrameKeys(
        this.session.job,
        asked.map(({ question }) => question),
      );
      for (const [place, { firstCopy, entry }] of asked.entries())
        this.keys.set(firstCopy, { entry, sealed: sealed[place] as Buffer });
    }
  }

  goesWhole({ frame }: PlannedFrame): boolean {
    return this.keys.has(frame.firstCopy);
  }

  /** The frame for the agent, or why nothing can be made of it. */
  async take(planned: PlannedFrame, bytes: Buffer): Promise<ReleasedFrame | HoldfastError> {
    this.over.throwIfAborted();
    const { pack, frame } = planned;
    const key = this.keys.get(frame.firstCopy);
    this.keys.delete(frame.firstCopy);
    if (key?.sealed.length === 0) return sessionKeyNotOpened();
    const released: ReleasedFrame | HoldfastError =
      key === undefined
        ? await this.cutOut(planned, bytes)
        : { kind: 'frame', pack, entry: key.entry, sealedFrameKey: key.sealed, bytes };
    if (!(released instanceof HoldfastError)) allowBelow(this.session, pack, frame);
    return released;
  }

  /** The stored bytes are what came, so that it does not open is the uploader's doing. */
  tell({ pack }: PlannedFrame, failure: HoldfastError): void {
    if (failure.code === TOO_LARGE_TO_CUT) return;
    const { vaultId } = this.session.vault;
    this.ports.incidents.report({ kind: 'verifyCopy', reason: 'FRAME_NOT_OPENED', agentId: pack.uploaderId, vaultId });
  }

  private async mayHaveWhole({ pack, frame }: PlannedFrame): Promise<boolean> {
    const { session } = this;
    const count = chunksOf(frame);
    if (pack.uploaderId === session.grant.sourceAgentId || count === 1) return true;
    const isBelowRoot = (): boolean => {
      for (let copy = frame.firstCopy; copy < frame.firstCopy + count; copy++)
        if (!session.allowed.has(copy)) return false;
      return true;
    };
    if (isBelowRoot()) return true;
    await allowAllBelowRoot(session);
    return isBelowRoot();
  }

  /** Ids of the chunks that the agent may have, among them those that it asked for. */
  private allowedOf({ firstCopy, chunkIds }: StoredFrame, wanted: readonly Wanted[]): Buffer {
    const asked = new Set(wanted.map(({ copy }) => copy));
    const allowed: Buffer[] = [];
    for (let at = 0; at < chunkIds.length; at += ID_BYTES) {
      const copy = firstCopy + at / ID_BYTES;
      if (asked.has(copy) || this.session.allowed.has(copy)) allowed.push(chunkIds.subarray(at, at + ID_BYTES));
    }
    return Buffer.concat(allowed);
  }

  /** Throws why the read is over when it ends meanwhile. */
  private async timeToCut(ms: number): Promise<void> {
    const { over } = this;
    const { agentId } = this.session;
    const { cuts, timers } = this.ports;
    for (let wait = cuts.roomInMs(agentId); wait > 0; wait = cuts.roomInMs(agentId))
      await timers.sleep(wait, over).catch((error: unknown) => {
        over.throwIfAborted();
        throw error;
      });
    cuts.spend(agentId, ms);
  }

  private async cutOut({ pack, frame, wanted }: PlannedFrame, stored: Buffer): Promise<ReleasedFrame | HoldfastError> {
    const { domainId, sessionKey, kind } = pack;
    const chunkIds = this.allowedOf(frame, wanted);
    const entry = encodeFrameEntry(this.session.vault.index.frameEntry(frame, kind));
    const toCut: FrameToCut = { domainId, sessionKey, kind, frame: entry, stored, chunkIds };
    if (largestMessage(toCut, frame.plainLength) > CONTROL_MESSAGE_BYTES) return tooLargeToCut();
    await this.timeToCut(
      (CUT_MS_PER_MIB * (entry.length + frame.plainLength)) / MIB + CUT_MS_PER_CHUNK * chunksOf(frame),
    );
    const cut = await this.ports.coordination.cutFrame(this.session.job, toCut, this.over);
    if (cut === undefined) return frameNotOpened();
    return { kind: 'frame', pack, entry: cut.frame, sealedFrameKey: cut.sealedFrameKey, bytes: cut.stored };
  }

  private keyQuestion({ pack, frame }: PlannedFrame) {
    const entry = this.session.vault.index.frameEntry(frame, pack.kind);
    const { domainId, sessionKey } = pack;
    const question: FrameKeyQuestion = { domainId, sessionKey, frameDigest: frameDigest(entry) };
    return { firstCopy: frame.firstCopy, entry: encodeFrameEntry(entry), question };
  }
}

function chunksOf({ chunkIds }: StoredFrame): number {
  return chunkIds.length / ID_BYTES;
}

function sessionKeyNotOpened(): HoldfastError {
  return new HoldfastError({
    kind: 'WrongKey',
    code: 'SESSION_KEY_NOT_OPENED',
    message: "A pack's session key is not one of this domain.",
  });
}

function frameNotOpened(): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: 'FRAME_NOT_OPENED',
    message: 'A frame of which a part was to be cut out does not open.',
  });
}

/** Of the question and its answer, in which chunks that do not compress take about as much as they are long. */
function largestMessage({ frame, stored, chunkIds }: FrameToCut, plainLength: number): number {
  return frame.length + Math.max(stored.length, plainLength) + chunkIds.length + MESSAGE_SLACK_BYTES;
}

/** Agents gather small chunks up to a MiB: no honest frame of several comes near. */
function tooLargeToCut(): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: TOO_LARGE_TO_CUT,
    message: 'A frame of several chunks is larger than what is cut.',
  });
}
