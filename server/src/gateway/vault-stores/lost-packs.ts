import type { Timers } from '@holdfast/core/clock';
import { PackKind } from '@holdfast/core/engine';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, Copy, Pack } from '../chunk-index/chunk-index.js';
import { hasTrustedEdges, stands } from '../chunk-index/copy-state.js';
import { isFrameSuspect } from './damaged-frames.js';
import { inTime } from './in-time.js';
import { LookPace, type LookPacePorts } from './look-pace.js';

/** Whoever asks sees a count that is no older, unless counting itself takes long. */
const RECOUNT_AFTER_MS = 1_000;
/** Of the time, at most one part in so many is for counting. */
const SHARE = 10;

export interface LostPacksPorts extends LookPacePorts {
  readonly timers: Pick<Timers, 'sleep' | 'after'>;
  readonly log: Log;
}

/**
 * How many packs are missing or damaged and hold something of which the vault has no sound copy. What a later backup has sent again is not lost, so a pack all of
 * which was sent again is not counted, although it stays suspect. Which points need what is lost is not told: all of their nodes would have to be read for that.
 */
export class LostPacks {
  private counted: { readonly packs: number; readonly until: number } | undefined;
  private counting: Promise<void> | undefined;

  constructor(
    private readonly vault: { readonly vaultId: string; readonly index: ChunkIndex },
    private readonly ports: LostPacksPorts,
  ) {}

  /** Counted anew where the last time is a while ago. Where that takes long, as it was counted last; undefined before that has ended for the first time. */
  async count(): Promise<number | undefined> {
    if (this.vault.index.suspectPacks(0, 1).length === 0) return 0;
    const last = (): number | undefined => this.counted?.packs;
    if (this.counted !== undefined && this.ports.clock.monotonic() < this.counted.until) return last();
    this.counting ??= this.countNow().finally(() => {
      this.counting = undefined;
    });
    return inTime(this.ports.timers, this.counting.then(last), last);
  }

  private async countNow(): Promise<void> {
    const { vaultId, index } = this.vault;
    const { clock, log } = this.ports;
    const began = clock.monotonic();
    try {
      const pace = new LookPace(this.ports, vaultId);
      let packs = 0;
      for (let [next] = index.suspectPacks(0, 1); next !== undefined; [next] = index.suspectPacks(next.pack.number, 1))
        if (await this.isLost(next.pack, pace)) packs += 1;
      const now = clock.monotonic();
      this.counted = { packs, until: now + Math.max(RECOUNT_AFTER_MS, SHARE * (now - began)) };
    } catch (error) {
      // Such as an index that was closed meanwhile: whoever asks next has it tried again.
      log.warn({ vaultId, err: error }, 'vault.lost_packs_not_counted');
    }
  }

  private async isLost(pack: Pack, pace: LookPace): Promise<boolean> {
    const { index } = this.vault;
    const isSound = ({ state }: Copy): number =>
      stands(state) && (pack.kind === PackKind.PACK_KIND_DATA || hasTrustedEdges(state)) ? 1 : 0;
    await pace.pass();
    for (const frame of index.framesOf(pack)) {
      if (!isFrameSuspect(index, frame)) continue;
      await pace.pass();
      if (index.lookup(frame.chunkIds, isSound).some((copies) => copies.length === 0)) return true;
    }
    return false;
  }
}
