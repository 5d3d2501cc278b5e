import { uuidFromBytes } from '@holdfast/core/ids';
import type { ChunkIndex, StoredFrame } from '../../server/src/gateway/chunk-index/chunk-index.js';
import { isSuspect } from '../../server/src/gateway/chunk-index/copy-state.js';
import type { SeededChance } from '../kit/seeded-chance.js';
import type { SimulatedDisk } from './simulated-disk.js';

const PACK = /\/pack\/[0-9a-f]{2}\/([0-9a-f]{32})$/;

/** A pack that its store lost once. */
export interface LostPack {
  readonly packId: string;
  readonly path: string;
  /** As it was stored. */
  readonly bytes: Buffer;
  /** All of its copies were found suspect while it was away. */
  isNoticed: boolean;
}

/** Packs that vanish from a store without a word, and what comes back of them. */
export class LostPacks {
  /** Those that are away, or came back changed. */
  readonly broken = new Map<string, LostPack>();
  /** As they were again, whatever the index says. */
  private readonly mended = new Set<string>();
  lost = 0;
  cameBack = 0;
  changed = 0;

  constructor(
    private readonly chance: SeededChance,
    private readonly disk: () => SimulatedDisk,
    private readonly told: { readonly lost: (packId: string) => void; readonly sound: (packId: string) => void },
  ) {}

  /** One, a few or all of the store's. Returns what happened, in words. */
  lose(): string {
    const disk = this.disk();
    const there = disk.paths().filter((path) => PACK.test(path) && !this.broken.has(idOf(path)));
    const count = this.chance.below(4) === 0 ? there.length : Math.min(there.length, 1 + this.chance.below(3));
    for (let left = count; left > 0; left--) {
      const [path] = there.splice(this.chance.below(there.length), 1);
      const bytes = path === undefined ? undefined : disk.contentOf(path);
      if (path === undefined || bytes === undefined) continue;
      const packId = idOf(path);
      disk.lose(path);
      this.broken.set(packId, { packId, path, bytes, isNoticed: false });
      this.told.lost(packId);
    }
    this.lost += count;
    return `${count} packs vanished`;
  }

  /** Those that are away; with `changed`, each by chance with bytes that are not its own. */
  bringBack(changed: boolean): string {
    const disk = this.disk();
    let [same, others] = [0, 0];
    for (const loss of this.away()) {
      const { path, bytes } = loss;
      if (changed && this.chance.below(2) === 0) {
        disk.place(path, this.change(bytes));
        others += 1;
      } else {
        disk.place(path, bytes);
        this.mend(loss);
        same += 1;
      }
    }
    this.cameBack += same;
    this.changed += others;
    return `${same} packs came back, and ${others} changed`;
  }

  /** Looks into the index: which losses are known there by now, and which are over. */
  compareWith(index: ChunkIndex): void {
    for (const loss of [...this.broken.values()]) {
      const now = this.disk().contentOf(loss.path);
      // Sent again, before the index had its rows.
      if (now?.equals(loss.bytes)) this.mend(loss);
      if (now === undefined && framesOf(index, loss.packId).length > 0)
        loss.isNoticed ||= framesOf(index, loss.packId).every((frame) => isMarked(index, frame));
    }
    for (const packId of this.mended) {
      if (framesOf(index, packId).some((frame) => isMarked(index, frame))) continue;
      this.mended.delete(packId);
      this.told.sound(packId);
    }
  }

  /** Broken packs of which the index does not know all that is broken. */
  unknownTo(index: ChunkIndex): LostPack[] {
    return [...this.broken.values()].filter(({ packId }) =>
      this.standingIn(index, packId).some(({ isSound, isKnown }) => !isSound && !isKnown),
    );
  }

  /** What the index should know by now, and does not; and what it goes on holding against packs that are as they were. */
  whatIsMistaken(index: ChunkIndex): string[] {
    const wrong: string[] = [];
    for (const packId of index.packIds('stored')) {
      const loss = this.broken.get(packId);
      const isAway = loss !== undefined && this.disk().contentOf(loss.path) === undefined;
      for (const { isSound, isKnown } of this.standingIn(index, packId)) {
        if (isSound && isKnown) wrong.push(`pack ${packId} does not count, though it is as it was`);
        if (!isSound && !isKnown && isAway) wrong.push(`pack ${packId} counts, though it is away`);
        if (!isSound && !isKnown && loss?.isNoticed)
          wrong.push(`pack ${packId} counts again, though it came back changed`);
      }
    }
    return [...new Set(wrong)];
  }

  private away(): LostPack[] {
    return [...this.broken.values()].filter(({ path }) => this.disk().contentOf(path) === undefined);
  }

  private mend({ packId }: LostPack): void {
    this.broken.delete(packId);
    this.mended.add(packId);
  }

  private standingIn(index: ChunkIndex, packId: string): { readonly isSound: boolean; readonly isKnown: boolean }[] {
    const loss = this.broken.get(packId);
    const now = loss && this.disk().contentOf(loss.path);
    const frames = framesOf(index, packId);
    return frames.map((frame) => ({
      isKnown: isMarked(index, frame),
      isSound: loss === undefined || (now !== undefined && isSame(loss.bytes, now, frame, frames)),
    }));
  }

  private change(bytes: Buffer): Buffer {
    const { chance } = this;
    const changed = Buffer.from(bytes);
    switch (chance.below(4)) {
      case 0:
        return changed.subarray(0, chance.below(bytes.length));
      case 1:
        return Buffer.concat([changed, Buffer.from([chance.below(256)])]);
      default: {
        const at = chance.below(bytes.length);
        changed[at] = (bytes[at] ?? 0) ^ (1 << chance.below(8));
        return changed;
      }
    }
  }
}

function idOf(path: string): string {
  return uuidFromBytes(Buffer.from(PACK.exec(path)?.[1] ?? '', 'hex'));
}

function isMarked(index: ChunkIndex, { firstCopy }: StoredFrame): boolean {
  return isSuspect(index.currentState(firstCopy));
}

function framesOf(index: ChunkIndex, packId: string): StoredFrame[] {
  const pack = index.findPack(packId);
  return pack?.state === 'stored' ? index.framesOf(pack) : [];
}

/** The frame, and the pack's header, footer and length. */
function isSame(before: Buffer, now: Buffer, frame: StoredFrame, frames: readonly StoredFrame[]): boolean {
  const begins = Math.min(...frames.map(({ offset }) => offset));
  const ends = Math.max(...frames.map(endOf));
  return [
    [0, begins],
    [frame.offset, endOf(frame)],
    [ends, Number.POSITIVE_INFINITY],
  ].every(([from, to]) => before.subarray(from, to).equals(now.subarray(from, to)));
}

function endOf({ offset, storedLength }: StoredFrame): number {
  return offset + storedLength;
}
