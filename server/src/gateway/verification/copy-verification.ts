/**
 * Verification of copies. An agent that can predict an id could upload garbage under it; so a copy
 * counts for other agents only once control has opened it and computed the id again.
 *
 * Control answers for some frames of a pack at a time, and one question about a frame serves all who wait for it. A verdict is
 * stored chunk by chunk: BAD counts for nobody from then on; good data is VERIFIED; a good node is
 * VERIFIED once every one of its edges has a verified copy, so a verified node can be trusted with all
 * below it. When control cannot be asked, or not in time, copies stay as they are: the answer "not there" is always safe.
 * A verdict is not final: when a reader complains, control looks again.
 * Frames on which control has no verdict are asked about again, a few times; suspect ones once their stored bytes are what came.
 * A pack with a bad frame is given up: what was not verified of it by then counts for its uploader alone.
 */

import type { Clock, Timers } from '@holdfast/core/clock';
import { PackKind } from '@holdfast/core/engine';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { IncidentRelay } from '../../platform/incidents/incident-relay.js';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, Copy, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { CONTENT_GOOD, isVerified, stands, VERIFIED } from '../chunk-index/copy-state.js';
import { settleUpwards } from '../chunk-index/settle-upwards.js';
import type { Coordination } from '../coordination/coordination.js';
import type { GatewayLimits } from '../limits.js';
import type { Turns } from '../turn.js';
import { collectUnverified, isInDomain, type WantedFrames } from './collect-unverified.js';
import { FrameVerdicts } from './frame-verdicts.js';
import { nextPiece } from './next-piece.js';
import { Patience } from './patience.js';
import { TimeAtWork } from './time-at-work.js';
import type { VerifyQueue, VerifyTurn } from './verify-queue.js';

/** Packs on which control had no verdict, or could not give one, are left alone for so long. */
const REST_MS = 5 * 60_000;
const PACKS_PER_LOOK = 256;
/** Who asks for what nobody waits for. */
const NOBODY = '';

/** Control gave verdicts, had none to give, or could not be asked. */
type Outcome = 'verdict' | 'none' | 'failed';

export interface VerificationAsker {
  readonly domainId: string;
  readonly askerId: string;
}

/** Frames of a pack that are to be verified. */
interface Wanted {
  readonly pack: Pack;
  /** First copies of those that control may be asked about. */
  readonly left: () => number[];
  readonly has: (frame: StoredFrame) => boolean;
}

/** A question that waits. */
interface Waiter {
  readonly over: AbortSignal;
  readonly atWork: TimeAtWork;
}

export interface VerificationPorts {
  readonly vaultId: string;
  readonly index: ChunkIndex;
  readonly coordination: Pick<Coordination, 'verifyFrames'>;
  /** Shared by all vaults of the gateway. */
  readonly queue: VerifyQueue;
  readonly limits: Pick<GatewayLimits, 'maxPacksVerifiedPerQuestion' | 'maxEdgesPerQuestion'>;
  readonly incidents: Pick<IncidentRelay, 'report'>;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

export class CopyVerification {
  /** Frames that control is asked about right now, by their first copy. */
  private readonly underWay = new Map<number, Promise<Outcome>>();
  private readonly verdicts: FrameVerdicts;
  private readonly patience: Patience;
  /** Until when these packs, by number, are left alone by whoever looks for work. */
  private readonly resting = new Map<number, number>();
  /** Numbers of packs at which control looked once more, whoever complained. */
  private readonly lookedAgain = new Set<number>();

  constructor(private readonly ports: VerificationPorts) {
    this.verdicts = new FrameVerdicts(ports);
    this.patience = new Patience(ports.clock);
  }

  /**
   * Verifies these unverified copies of one domain with all that hangs below them, as far as limits and patience
   * allow. Resolves when what was found out in that time stands in the index; throws the reason of `gone` once nobody waits for it.
   */
  async verifyCopies(copies: readonly Copy[], asker: VerificationAsker, gone: AbortSignal): Promise<void> {
    const { packs, nodes } = await collectUnverified(
      { ...this.ports, verdicts: this.verdicts, patience: this.patience },
      copies,
      asker.domainId,
      gone,
    );
    await this.waitFor(packs, asker, gone);
    await this.promote(nodes, asker.domainId);
  }

  /** The next pack to be verified for nobody in particular. */
  async nextUnchecked(): Promise<Pack | undefined> {
    const { index, turns, vaultId } = this.ports;
    const turn = turns.of(vaultId);
    let last: Pack | undefined;
    do {
      const packs = index.uncheckedPacks(PACKS_PER_LOOK, last);
      for (const pack of packs) {
        await turn.pass();
        if (!this.isResting(pack) && this.hasWork(pack)) return pack;
      }
      last = packs.at(-1);
    } while (last !== undefined);
    return undefined;
  }

  private isResting({ number }: Pack): boolean {
    const until = this.resting.get(number);
    if (until === undefined) return false;
    if (this.ports.clock.monotonic() < until) return true;
    this.resting.delete(number);
    return false;
  }

  /** One that has none rests until something of it changes. */
  private hasWork(pack: Pack): boolean {
    if (this.verdicts.leftOf(pack).length > 0) return true;
    if (!this.verdicts.settle(pack)) this.resting.set(pack.number, Number.POSITIVE_INFINITY);
    return false;
  }

  /** Copies of this pack are suspect no more. */
  reconsider(pack: Pack): void {
    this.resting.delete(pack.number);
  }

  /** Verifies one pack and then whatever of its nodes can be; for work that nobody waits for. Whether control could be asked. */
  async verifyPack(pack: Pack): Promise<boolean> {
    const { domainId, uploaderId } = pack;
    const turn = { lane: 'patient', domainId, askerId: NOBODY, uploaderId } as const;
    const left = (): number[] => this.verdicts.leftOf(pack).map(({ firstCopy }) => firstCopy);
    const outcome = await this.verifyWanted({ pack, left, has: () => true }, turn);
    if (outcome !== 'verdict') this.resting.set(pack.number, this.ports.clock.monotonic() + REST_MS);
    if (outcome === 'failed') return false;
    if (pack.kind === PackKind.PACK_KIND_NODE) await this.promote(range(pack.firstCopy, pack.copies), domainId);
    return true;
  }

  private async waitFor(packs: readonly WantedFrames[], asker: VerificationAsker, gone: AbortSignal): Promise<void> {
    const { askerId } = asker;
    if (packs.length === 0 || this.patience.isQueueSlowFor(askerId)) return;
    const { clock, timers } = this.ports;
    const unfinished = new Set(packs);
    const atWork = new TimeAtWork(clock);
    const ending = new AbortController();
    const over = AbortSignal.any([gone, ending.signal]);
    const work = packs.map(async (wanted) => {
      try {
        await this.verifyFrames(wanted, asker, { over, atWork });
        unfinished.delete(wanted);
      } catch (error) {
        if (!over.aborted) throw error;
      }
    });
    const ms = this.patience.msFor(packs.reduce((sum, { bytes }) => sum + bytes, 0));
    const cancel = timers.after(ms, () => ending.abort(timeIsUp()));
    try {
      await Promise.race([Promise.all(work), fired(over)]);
    } finally {
      cancel();
      ending.abort(timeIsUp());
    }
    gone.throwIfAborted();
    const uploaderIds = [...unfinished].map(({ pack }) => pack.uploaderId);
    this.patience.wasInVain(askerId, uploaderIds, ms, atWork);
  }

  private async verifyFrames({ pack, frames }: WantedFrames, asker: VerificationAsker, waiter: Waiter): Promise<void> {
    const turn = { lane: 'urgent', ...asker, uploaderId: pack.uploaderId } as const;
    const left = (): number[] => this.verdicts.leftAmong(pack, frames);
    await this.verifyWanted({ pack, left, has: ({ firstCopy }) => frames.has(firstCopy) }, turn, waiter);
  }

  /** How the last question ended. */
  private async verifyWanted(wanted: Wanted, turn: VerifyTurn, waiter?: Waiter): Promise<Outcome> {
    let outcome: Outcome = 'verdict';
    for (let left = wanted.left(); outcome === 'verdict' && left.length > 0; left = wanted.left())
      outcome = await this.step(wanted, left, turn, waiter);
    return outcome;
  }

  hasLookedAgain(pack: Pack): boolean {
    return this.lookedAgain.has(pack.number);
  }

  /** Has control open a pack although its verdict may be in; once in the life of this process, unless control could not be asked. Does not throw. */
  async lookAgain(pack: Pack): Promise<void> {
    if (this.lookedAgain.has(pack.number)) return;
    this.lookedAgain.add(pack.number);
    try {
      if (!(await this.judgeAll(pack))) this.lookedAgain.delete(pack.number);
    } catch (error) {
      this.ports.log.error({ vaultId: this.ports.vaultId, packId: pack.id, err: error }, 'verification.failed');
    }
  }

  /** False if control could not be asked. */
  private async judgeAll(pack: Pack): Promise<boolean> {
    const { domainId, uploaderId } = pack;
    const turn = { lane: 'patient', domainId, askerId: NOBODY, uploaderId } as const;
    let left = this.ports.index.framesOf(pack);
    while (left.length > 0) {
      const piece = nextPiece(left, () => true);
      const outcome = await this.ports.queue.run(turn, () => this.judge(pack, piece));
      if (outcome === 'failed') return false;
      left = left.filter((frame) => !piece.includes(frame));
    }
    return true;
  }

  /** Nodes become verified once their edges are. */
  private async promote(nodes: readonly number[], domainId: string): Promise<void> {
    const { index } = this.ports;
    const sound = nodes.filter((node) => {
      const state = index.currentState(node);
      return stands(state) && !isVerified(state) && (state & CONTENT_GOOD) !== 0;
    });
    const verified = await settleUpwards(
      index,
      sound,
      (copy) => stands(copy.state) && isVerified(copy.state) && isInDomain(index, copy, domainId),
      this.ports.turns.of(domainId),
    );
    index.changeState(verified, { set: VERIFIED });
  }

  /**
   * Has one piece of the pack verified in its turn, or waits for others who have the wanted frames verified. Throws why
   * the waiter is over where that comes before control is asked.
   */
  private async step(
    { pack, has }: Wanted,
    left: readonly number[],
    turn: VerifyTurn,
    waiter?: Waiter,
  ): Promise<Outcome> {
    waiter?.over.throwIfAborted();
    const observed = (work: () => Promise<Outcome>): Promise<Outcome> =>
      waiter === undefined ? work() : waiter.atWork.during(pack.uploaderId, work);
    const asked = left.flatMap((firstCopy) => this.underWay.get(firstCopy) ?? []);
    if (asked.length === left.length) {
      return observed(async () => {
        const outcomes = await Promise.all(asked);
        return outcomes.find((outcome) => outcome !== 'verdict') ?? 'verdict';
      });
    }
    return this.ports.queue.run(turn, () => observed(() => this.verifyPiece(pack, has)), waiter?.over);
  }

  private async verifyPiece(pack: Pack, isWanted: (frame: StoredFrame) => boolean): Promise<Outcome> {
    const left = this.verdicts.leftOf(pack).filter(({ firstCopy }) => !this.underWay.has(firstCopy));
    const piece = nextPiece(left, isWanted);
    if (piece.length === 0) return 'verdict';
    const asked = this.judge(pack, piece);
    for (const { firstCopy } of piece) this.underWay.set(firstCopy, asked);
    const outcome = await asked;
    for (const { firstCopy } of piece) this.underWay.delete(firstCopy);
    return outcome;
  }

  /** Never rejects. */
  private async judge(pack: Pack, piece: readonly StoredFrame[]): Promise<Outcome> {
    const { coordination, log, vaultId } = this.ports;
    const offsets = piece.map(({ offset }) => offset);
    try {
      const verdict = await coordination
        .verifyFrames(vaultId, pack.id, offsets)
        .catch((error: unknown) => this.whyNoVerdict(pack, piece, error));
      if (typeof verdict === 'string') return verdict;
      return this.verdicts.record(pack, piece, verdict) ? 'verdict' : 'none';
    } catch (error) {
      log.warn({ vaultId, packId: pack.id, err: error }, 'verification.failed');
      return 'failed';
    }
  }

  /** Throws where control could not be asked. */
  private whyNoVerdict(pack: Pack, piece: readonly StoredFrame[], error: unknown): Outcome {
    if (isHoldfastError(error, 'NotFound')) this.verdicts.noAnswer(piece);
    else if (isHoldfastError(error, 'Integrity')) this.verdicts.cannotTell(pack, error);
    else throw error;
    return 'none';
  }
}

function timeIsUp(): HoldfastError {
  return new HoldfastError({
    kind: 'Timeout',
    code: 'VERIFICATION_TIMEOUT',
    message: 'The verification takes too long.',
  });
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
