/**
 * Verification of copies. An agent that can predict an id could upload garbage under it; so a copy
 * counts for other agents only once control has opened it and computed the id again.
 *
 * Control answers for some frames of a pack at a time, and one question about a frame serves all who wait for it. A verdict is
 * stored chunk by chunk: BAD counts for nobody from then on; good data is VERIFIED; a good node is
 * VERIFIED once every one of its edges has a verified copy, so a verified node can be trusted with all
 * below it. When control cannot be asked, or not in time, copies stay as they are: the answer "not there" is always safe.
 * A verdict is not final: when a reader complains, control looks again.
 * A pack with a bad frame is given up: what was not verified of it by then counts for its uploader alone.
 */

import type { Clock, Timers } from '@holdfast/core/clock';
import { PackKind } from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import type { IncidentRelay } from '../../platform/incidents/incident-relay.js';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, Copy, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { CopySet } from '../chunk-index/copy-set.js';
import { BAD, CONTENT_GOOD, isVerified, SUSPECT, stands, VERIFIED } from '../chunk-index/copy-state.js';
import { settleUpwards } from '../chunk-index/settle-upwards.js';
import type { Coordination, FrameVerdict } from '../coordination/coordination.js';
import type { GatewayLimits } from '../limits.js';
import type { Turns } from '../turn.js';
import { nextPiece } from './next-piece.js';
import type { VerifyQueue, VerifyTurn } from './verify-queue.js';

const ID_BYTES = 32;
/** So long a question waits at least, and longer by what it waits for, at so many bytes a millisecond, up to the most. */
const PATIENCE_MS = 20_000;
const MOST_PATIENCE_MS = 3 * 60_000;
const BYTES_PER_MS = 4_000;
/** An uploader whose packs a question waited for in vain is not waited for again for so long. */
const SLOW_MS = 5 * 60_000;
/** Who asks for what nobody waits for. */
const NOBODY = '';

/** Control gave a verdict, had none to give, or could not be asked. */
type Outcome = 'verdict' | 'none' | 'failed';

/** Frames of a pack that somebody waits for, by their first copy. */
interface WantedFrames {
  readonly pack: Pack;
  readonly frames: ReadonlySet<number>;
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
  /** Frames that control had no verdict on, by their first copy: they are not asked about again by this process. */
  private readonly unanswered = new CopySet();
  /** Until when these uploaders are not waited for, in monotonic milliseconds. */
  private readonly slow = new Map<string, number>();
  /** Numbers of packs at which control looked once more, whoever complained. */
  private readonly lookedAgain = new Set<number>();

  constructor(private readonly ports: VerificationPorts) {}

  /**
   * Verifies these unverified copies of one domain with all that hangs below them, as far as limits and patience
   * allow. Resolves when what was found out in that time stands in the index.
   */
  async verifyCopies(
    copies: readonly Copy[],
    asker: { readonly domainId: string; readonly askerId: string },
  ): Promise<void> {
    const { packs, nodes } = await this.collect(copies, asker.domainId);
    await this.waitFor(packs, asker);
    await this.promote(nodes, asker.domainId);
  }

  /** Verifies one pack and then whatever of its nodes can be; for work that nobody waits for. Whether control could be asked. */
  async verifyPack(pack: Pack): Promise<boolean> {
    const { domainId, uploaderId } = pack;
    const turn = { lane: 'patient', domainId, askerId: NOBODY, uploaderId } as const;
    while (this.leftOf(pack).length > 0) {
      const outcome = await this.step(pack, turn, { isWanted: () => true, isOver: () => false });
      if (outcome === 'failed') return false;
      if (outcome === 'none') break;
    }
    if (pack.kind === PackKind.PACK_KIND_NODE) await this.promote(range(pack.firstCopy, pack.copies), domainId);
    return true;
  }

  private async waitFor(
    packs: readonly WantedFrames[],
    asker: { readonly domainId: string; readonly askerId: string },
  ): Promise<void> {
    if (packs.length === 0) return;
    const { clock, timers } = this.ports;
    const unfinished = new Set(packs);
    let over = false;
    const work = packs.map(async (wanted) => {
      const { pack, frames } = wanted;
      const turn = { lane: 'urgent', ...asker, uploaderId: pack.uploaderId } as const;
      const isWanted = ({ firstCopy }: StoredFrame): boolean => frames.has(firstCopy);
      let outcome: Outcome = 'verdict';
      while (outcome === 'verdict' && !over && this.leftOf(pack).some(isWanted))
        outcome = await this.step(pack, turn, { isWanted, isOver: () => over });
      unfinished.delete(wanted);
    });
    const timeIsUp = Promise.withResolvers<void>();
    const cancel = timers.after(this.patienceFor(packs), timeIsUp.resolve);
    await Promise.race([Promise.all(work), timeIsUp.promise]);
    cancel();
    over = true;
    for (const { pack } of unfinished) this.slow.set(pack.uploaderId, clock.monotonic() + SLOW_MS);
  }

  private patienceFor(packs: readonly WantedFrames[]): number {
    let bytes = 0;
    for (const { pack, frames } of packs)
      for (const { firstCopy, plainLength } of this.leftOf(pack)) if (frames.has(firstCopy)) bytes += plainLength;
    return Math.min(MOST_PATIENCE_MS, PATIENCE_MS + bytes / BYTES_PER_MS);
  }

  private isSlow(uploaderId: string): boolean {
    const until = this.slow.get(uploaderId);
    if (until === undefined) return false;
    if (this.ports.clock.monotonic() < until) return true;
    this.slow.delete(uploaderId);
    return false;
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
      if (outcome !== 'verdict') return outcome !== 'failed';
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
      (copy) => stands(copy.state) && isVerified(copy.state) && this.isIn(copy, domainId),
      this.ports.turns.of(domainId),
    );
    index.changeState(verified, { set: VERIFIED });
  }

  /** Walks from the copies down the edges that have no verified copy yet. */
  private async collect(
    copies: readonly Copy[],
    domainId: string,
  ): Promise<{ packs: WantedFrames[]; nodes: number[] }> {
    const { index, limits } = this.ports;
    const packs = new Map<number, { readonly pack: Pack; readonly copies: Set<number> }>();
    const nodes: number[] = [];
    const seen = new CopySet();
    const stack = [...copies];
    const worth = (copy: Copy): number => {
      if (!stands(copy.state) || !this.isIn(copy, domainId)) return 0;
      return isVerified(copy.state) ? 2 : 1;
    };
    let edgesLeft = limits.maxEdgesPerQuestion;
    const turn = this.ports.turns.of(domainId);
    for (let copy = stack.pop(); copy !== undefined; copy = stack.pop()) {
      await turn.pass();
      if (seen.has(copy.number) || !this.isIn(copy, domainId) || !stands(copy.state) || isVerified(copy.state))
        continue;
      seen.add(copy.number);
      const pack = index.packByNumber(copy.pack);
      if (!pack.checked) {
        const wanted = packs.get(pack.number);
        if (wanted !== undefined) wanted.copies.add(copy.number);
        else if (packs.size < limits.maxPacksVerifiedPerQuestion && !this.isSlow(pack.uploaderId))
          packs.set(pack.number, { pack, copies: new Set([copy.number]) });
        else continue;
      }
      if (pack.kind !== PackKind.PACK_KIND_NODE) continue;
      const edges = index.edgesOf(copy.number);
      edgesLeft -= edges.length / ID_BYTES;
      if (edgesLeft < 0) break;
      nodes.push(copy.number);
      for (const below of index.lookup(edges, worth))
        if (!below.some((each) => isVerified(each.state))) stack.push(...below);
    }
    const wanted = [...packs.values()].map(({ pack, copies: ofPack }) => ({
      pack,
      frames: this.framesWith(pack, ofPack),
    }));
    return { packs: wanted, nodes };
  }

  private framesWith(pack: Pack, copies: ReadonlySet<number>): Set<number> {
    const holds = ({ firstCopy, chunkIds }: StoredFrame): boolean =>
      range(firstCopy, chunkIds.length / ID_BYTES).some((copy) => copies.has(copy));
    return new Set(
      this.leftOf(pack)
        .filter(holds)
        .map(({ firstCopy }) => firstCopy),
    );
  }

  /** Frames of the pack without a verdict; none where the pack is done with. */
  private leftOf(pack: Pack): StoredFrame[] {
    const { index } = this.ports;
    if (index.packByNumber(pack.number).checked) return [];
    return index
      .framesOf(pack)
      .filter(
        ({ firstCopy }) =>
          (index.currentState(firstCopy) & (CONTENT_GOOD | BAD)) === 0 && !this.unanswered.has(firstCopy),
      );
  }

  /** Has one piece of the pack verified in its turn, or waits for others who have the wanted frames verified. */
  private async step(
    pack: Pack,
    turn: VerifyTurn,
    { isWanted, isOver }: { readonly isWanted: (frame: StoredFrame) => boolean; readonly isOver: () => boolean },
  ): Promise<Outcome> {
    const wanted = this.leftOf(pack).filter(isWanted);
    const asked = wanted.flatMap(({ firstCopy }) => this.underWay.get(firstCopy) ?? []);
    if (asked.length === wanted.length) {
      const outcomes = await Promise.all(asked);
      return outcomes.find((outcome) => outcome !== 'verdict') ?? 'verdict';
    }
    return this.ports.queue.run(turn, async () => (isOver() ? 'none' : this.verifyPiece(pack, isWanted)));
  }

  private async verifyPiece(pack: Pack, isWanted: (frame: StoredFrame) => boolean): Promise<Outcome> {
    const left = this.leftOf(pack).filter(({ firstCopy }) => !this.underWay.has(firstCopy));
    const piece = nextPiece(left, isWanted);
    if (piece.length === 0) return 'verdict';
    const asked = this.judge(pack, piece);
    for (const { firstCopy } of piece) this.underWay.set(firstCopy, asked);
    const outcome = await asked;
    for (const { firstCopy } of piece) this.underWay.delete(firstCopy);
    return outcome;
  }

  /** Never rejects. */
  private judge(pack: Pack, piece: readonly StoredFrame[]): Promise<Outcome> {
    return this.ask(pack, piece).catch((error: unknown): Outcome => {
      this.ports.log.warn({ vaultId: this.ports.vaultId, packId: pack.id, err: error }, 'verification.failed');
      return isHoldfastError(error, 'NotFound') ? 'none' : 'failed';
    });
  }

  private async ask(pack: Pack, piece: readonly StoredFrame[]): Promise<Outcome> {
    const offsets = piece.map(({ offset }) => offset);
    const verdict = await this.ports.coordination.verifyFrames(this.ports.vaultId, pack.id, offsets);
    const bad = this.apply(pack, piece, verdict);
    // Stored bytes that are no longer what came are a disk's doing; those that are, and do not open to their id, the uploader's.
    if (bad.some((copy) => (this.ports.index.currentState(copy) & SUSPECT) === 0)) this.giveUp(pack);
    else if (this.leftOf(pack).length === 0) this.ports.index.markChecked(pack.number);
    return 'verdict';
  }

  /** Returns the copies that turned out bad. */
  private apply(pack: Pack, piece: readonly StoredFrame[], verdict: FrameVerdict): number[] {
    const { index, log, vaultId } = this.ports;
    const good = idSet(verdict.good);
    const bad = idSet(verdict.bad);
    const goodCopies: number[] = [];
    const badCopies: number[] = [];
    for (const { firstCopy, chunkIds } of piece) {
      for (const copy of range(firstCopy, chunkIds.length / ID_BYTES)) {
        const at = (copy - firstCopy) * ID_BYTES;
        const id = chunkIds.toString('latin1', at, at + ID_BYTES);
        // A chunk named both ways, or not at all, proves nothing good.
        if (bad.has(id)) badCopies.push(copy);
        else if (good.has(id)) goodCopies.push(copy);
        else this.unanswered.add(firstCopy);
      }
    }
    index.changeState(goodCopies, {
      set: pack.kind === PackKind.PACK_KIND_DATA ? CONTENT_GOOD | VERIFIED : CONTENT_GOOD,
    });
    index.changeState(badCopies, { set: BAD, clear: CONTENT_GOOD | VERIFIED });
    if (badCopies.length > 0)
      log.error({ vaultId, packId: pack.id, agentId: pack.uploaderId, copies: badCopies.length }, 'copy.bad');
    return badCopies;
  }

  private giveUp(pack: Pack): void {
    const { index, incidents, queue, vaultId } = this.ports;
    index.markChecked(pack.number);
    queue.suspect(pack.uploaderId);
    incidents.report({ kind: 'verifyCopy', reason: 'CONTENT_IS_NOT_ITS_ID', agentId: pack.uploaderId, vaultId });
  }

  private isIn(copy: Copy, domainId: string): boolean {
    return this.ports.index.packByNumber(copy.pack).domainId === domainId;
  }
}

function idSet(ids: Buffer): Set<string> {
  const set = new Set<string>();
  for (let at = 0; at + ID_BYTES <= ids.length; at += ID_BYTES) set.add(ids.toString('latin1', at, at + ID_BYTES));
  return set;
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
