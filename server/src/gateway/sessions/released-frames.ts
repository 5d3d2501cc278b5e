import { encodeFrameEntry, frameDigest } from '@holdfast/core/engine';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import { CONTROL_MESSAGE_BYTES } from '../../platform/grpc/connection-limits.js';
import type { IncidentRelay } from '../../platform/incidents/incident-relay.js';
import type { Pack } from '../chunk-index/chunk-index.js';
import type { Coordination, FrameKeyQuestion, FrameToCut } from '../coordination/coordination.js';
import type { PlannedFrame } from '../vault-stores/frame-plan.js';
import { allowAllBelowRoot, allowBelow } from './reachable-chunks.js';
import type { Session } from './session.js';

const ID_BYTES = 32;
const KEYS_PER_QUESTION = 1_024;
/** What stands around a frame in a message: the job, the wrapped session key, lengths. */
const MESSAGE_SLACK_BYTES = 4_096;

export interface ReleasePorts {
  readonly coordination: Pick<Coordination, 'releaseFrameKeys' | 'cutFrame'>;
  readonly incidents: Pick<IncidentRelay, 'report'>;
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
 * point put together itself, or what lies below the point with every chunk. Of other frames the chunks asked for are cut out.
 */
export class ReleasedFrames {
  private readonly keys = new Map<number, { readonly entry: Buffer; readonly sealed: Buffer }>();

  constructor(
    private readonly ports: ReleasePorts,
    private readonly session: Session,
  ) {}

  /** Has the keys of those at hand that go out whole. */
  async askKeys(frames: readonly PlannedFrame[]): Promise<void> {
    const whole: PlannedFrame[] = [];
    const turn = this.session.turn();
    for (const planned of frames) {
      await turn.pass();
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

  /** The frame for the agent, or why it is of no use to anybody. */
  async take(planned: PlannedFrame, bytes: Buffer): Promise<ReleasedFrame | HoldfastError> {
    this.session.assertOpen();
    const { pack, frame } = planned;
    const key = this.keys.get(frame.firstCopy);
    this.keys.delete(frame.firstCopy);
    if (key?.sealed.length === 0) return this.unopened(pack, sessionKeyNotOpened());
    const released: ReleasedFrame | HoldfastError =
      key === undefined
        ? await this.cutOut(planned, bytes)
        : { kind: 'frame', pack, entry: key.entry, sealedFrameKey: key.sealed, bytes };
    if (!(released instanceof HoldfastError)) allowBelow(this.session, pack, frame);
    return released;
  }

  private async mayHaveWhole({ pack, frame }: PlannedFrame): Promise<boolean> {
    const { session } = this;
    const count = frame.chunkIds.length / ID_BYTES;
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

  private async cutOut({ pack, frame, wanted }: PlannedFrame, stored: Buffer): Promise<ReleasedFrame | HoldfastError> {
    const { domainId, sessionKey, kind } = pack;
    const chunkIds = Buffer.concat(wanted.map(({ chunkId }) => chunkId));
    const entry = encodeFrameEntry(this.session.vault.index.frameEntry(frame, kind));
    const toCut: FrameToCut = { domainId, sessionKey, kind, frame: entry, stored, chunkIds };
    if (largestMessage(toCut, frame.plainLength) > CONTROL_MESSAGE_BYTES) return tooLargeToCut();
    try {
      const cut = await this.ports.coordination.cutFrame(this.session.job, toCut);
      return { kind: 'frame', pack, entry: cut.frame, sealedFrameKey: cut.sealedFrameKey, bytes: cut.stored };
    } catch (error) {
      if (!isHoldfastError(error, 'Integrity') && !isHoldfastError(error, 'WrongKey')) throw error;
      return this.unopened(pack, error);
    }
  }

  /** What is stored is what came, so it is the uploader's doing. */
  private unopened({ uploaderId }: Pack, failure: HoldfastError): HoldfastError {
    const { vaultId } = this.session.vault;
    this.ports.incidents.report({ kind: 'verifyCopy', reason: 'FRAME_NOT_OPENED', agentId: uploaderId, vaultId });
    return failure;
  }

  private keyQuestion({ pack, frame }: PlannedFrame) {
    const entry = this.session.vault.index.frameEntry(frame, pack.kind);
    const { domainId, sessionKey } = pack;
    const question: FrameKeyQuestion = { domainId, sessionKey, frameDigest: frameDigest(entry) };
    return { firstCopy: frame.firstCopy, entry: encodeFrameEntry(entry), question };
  }
}

function sessionKeyNotOpened(): HoldfastError {
  return new HoldfastError({
    kind: 'WrongKey',
    code: 'SESSION_KEY_NOT_OPENED',
    message: "A pack's session key is not one of this domain.",
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
    code: 'FRAME_TOO_LARGE_TO_CUT',
    message: 'A frame of several chunks is larger than what is cut.',
  });
}
