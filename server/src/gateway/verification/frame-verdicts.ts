import { PackKind } from '@holdfast/core/engine';
import type { HoldfastError } from '@holdfast/core/errors';
import type { IncidentRelay } from '../../platform/incidents/incident-relay.js';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { BAD, CONTENT_GOOD, isSuspect, SUSPECT, UNFIT, VERIFIED } from '../chunk-index/copy-state.js';
import type { FrameVerdict } from '../coordination/coordination.js';
import type { VerifyQueue } from './verify-queue.js';

const ID_BYTES = 32;
/** Control is not asked about a frame again by this process once it had so often no verdict on it. */
const MOST_ASKED = 3;

export interface VerdictPorts {
  readonly vaultId: string;
  readonly index: ChunkIndex;
  readonly queue: Pick<VerifyQueue, 'suspect'>;
  readonly incidents: Pick<IncidentRelay, 'report'>;
  readonly log: Log;
}

/**
 * What control said of frames, as it stands in the index. A pack is done with once each of its frames has a verdict, or one is bad, or control
 * cannot tell. Frames without one are asked about again; suspect ones not before their bytes are what came.
 */
export class FrameVerdicts {
  /** How often control had no verdict on frames, by their first copy. */
  private readonly unanswered = new Map<number, number>();

  constructor(private readonly ports: VerdictPorts) {}

  /** Frames of the pack that control may be asked about; none where the pack is done with. */
  leftOf(pack: Pack): StoredFrame[] {
    if (this.isDone(pack)) return [];
    return this.ports.index.framesOf(pack).filter(({ firstCopy }) => this.mayBeAsked(firstCopy));
  }

  /** As `leftOf`, among these frames, which are named by their first copies: that takes no time for the others. */
  leftAmong(pack: Pack, frames: Iterable<number>): number[] {
    return this.isDone(pack) ? [] : [...frames].filter((firstCopy) => this.mayBeAsked(firstCopy));
  }

  private isDone({ number }: Pack): boolean {
    return this.ports.index.packByNumber(number).checked;
  }

  private mayBeAsked(firstCopy: number): boolean {
    const isUndecided = (this.ports.index.currentState(firstCopy) & (CONTENT_GOOD | BAD | SUSPECT | UNFIT)) === 0;
    return isUndecided && (this.unanswered.get(firstCopy) ?? 0) < MOST_ASKED;
  }

  /** Control's verdict on these frames of the pack. Whether it had one on any. */
  record(pack: Pack, piece: readonly StoredFrame[], verdict: FrameVerdict): boolean {
    const { index, log, vaultId } = this.ports;
    const good = idSet(verdict.good);
    const bad = idSet(verdict.bad);
    const goodCopies: number[] = [];
    const badCopies: number[] = [];
    const without: StoredFrame[] = [];
    for (const frame of piece) {
      const { copies, ids } = chunksOf(frame);
      // A chunk named both ways is bad, and one that is not named proves nothing good of its frame.
      for (const [place, id] of ids.entries()) if (bad.has(id)) badCopies.push(copies[place] as number);
      if (ids.every((id) => good.has(id) && !bad.has(id))) goodCopies.push(...copies);
      else if (!ids.some((id) => bad.has(id))) without.push(frame);
      else
        for (const [place, id] of ids.entries())
          if (good.has(id) && !bad.has(id)) goodCopies.push(copies[place] as number);
    }
    index.changeState(goodCopies, {
      set: pack.kind === PackKind.PACK_KIND_DATA ? CONTENT_GOOD | VERIFIED : CONTENT_GOOD,
    });
    index.changeState(badCopies, { set: BAD, clear: CONTENT_GOOD | VERIFIED });
    if (badCopies.length > 0)
      log.error({ vaultId, packId: pack.id, agentId: pack.uploaderId, copies: badCopies.length }, 'copy.bad');
    this.noAnswer(without);
    // Stored bytes that are no longer what came are a disk's doing; those that are, and do not open to their id, the uploader's.
    if (badCopies.some((copy) => !isSuspect(index.currentState(copy)))) this.giveUp(pack);
    else this.settle(pack);
    return without.length < piece.length;
  }

  /** Control had no verdict on these frames. */
  noAnswer(frames: readonly StoredFrame[]): void {
    for (const { firstCopy } of frames) {
      if (isSuspect(this.ports.index.currentState(firstCopy))) continue;
      this.unanswered.set(firstCopy, (this.unanswered.get(firstCopy) ?? 0) + 1);
    }
  }

  /** Control cannot tell, and will not: what has no verdict yet counts for its uploader alone. */
  cannotTell(pack: Pack, { code, message }: HoldfastError): void {
    const { index, log, vaultId } = this.ports;
    if (this.isDone(pack)) return;
    index.markChecked(pack.number);
    log.error(
      { vaultId, packId: pack.id, agentId: pack.uploaderId, code, reason: message },
      'verification.control_cannot_tell',
    );
  }

  /** The pack is done with once each of its frames has a verdict. Says whether it is. */
  settle(pack: Pack): boolean {
    const { index } = this.ports;
    if (this.isDone(pack)) return true;
    const isDecided = ({ firstCopy }: StoredFrame): boolean =>
      (index.currentState(firstCopy) & (CONTENT_GOOD | BAD | UNFIT)) !== 0;
    if (!index.framesOf(pack).every(isDecided)) return false;
    index.markChecked(pack.number);
    return true;
  }

  private giveUp(pack: Pack): void {
    const { index, incidents, queue, vaultId } = this.ports;
    index.markChecked(pack.number);
    queue.suspect(pack.uploaderId);
    incidents.report({ kind: 'verifyCopy', reason: 'CONTENT_IS_NOT_ITS_ID', agentId: pack.uploaderId, vaultId });
  }
}

function chunksOf({ firstCopy, chunkIds }: StoredFrame): { copies: number[]; ids: string[] } {
  const ids = idsIn(chunkIds);
  return { copies: ids.map((_, place) => firstCopy + place), ids };
}

function idSet(ids: Buffer): Set<string> {
  return new Set(idsIn(ids));
}

function idsIn(ids: Buffer): string[] {
  return Array.from({ length: ids.length / ID_BYTES }, (_, place) =>
    ids.toString('latin1', place * ID_BYTES, (place + 1) * ID_BYTES),
  );
}
