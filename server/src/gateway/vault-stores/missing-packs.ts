import { type ObjectStore, packName } from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, Pack } from '../chunk-index/chunk-index.js';
import { isSuspect, SUSPECT } from '../chunk-index/copy-state.js';
import type { Turn } from '../turn.js';
import { listPacks } from './list-packs.js';
import { LookPace, type LookPacePorts } from './look-pace.js';
import { isLost } from './vault-in-store.js';

type Looked = Pick<ObjectStore, 'list' | 'stat'>;

interface LookedAt {
  readonly vaultId: string;
  readonly store: Looked;
  readonly index: ChunkIndex;
}

export interface MissingPackPorts extends LookPacePorts {
  readonly log: Log;
}

/** Marked in one go: each waits for the disk. */
const COPIES_AT_ONCE = 20_000;

/**
 * Packs that the store has lost, without a word from whoever removed them, or cannot read any more. Where one is missing others may be: all of them are looked for at once, so that one
 * backup heals what its source still has.
 */
export class MissingPacks {
  private looking: Promise<void> | undefined;
  private stopped = false;
  /** Numbers of packs that readers found gone. They may have met every frame of one, and marked it, before a look comes to it. */
  private readonly met = new Set<number>();

  constructor(
    private readonly vault: LookedAt,
    private readonly ports: MissingPackPorts,
  ) {}

  /** A reader found that this pack is gone, which was not known. */
  meet(pack: number): void {
    this.met.add(pack);
    void this.look();
  }

  /** Compares the store's packs with the index. One look at a time; never rejects. */
  look(): Promise<void> {
    this.looking ??= this.lookNow()
      .catch((error: unknown) => {
        if (!this.stopped) this.ports.log.warn({ vaultId: this.vault.vaultId, err: error }, 'vault.packs_not_listed');
      })
      .finally(() => {
        this.looking = undefined;
      });
    return this.looking;
  }

  /** To be called before the index is closed, which ends a look. */
  stop(): void {
    this.stopped = true;
  }

  private async lookNow(): Promise<void> {
    const { vaultId, store, index } = this.vault;
    const { log } = this.ports;
    const pace = new LookPace(this.ports, vaultId);
    // Before the store is listed: what is stored meanwhile is not missed.
    const expected = new Set(index.packIds('stored'));
    await listPacks(this.vault, { log, turn: pace }, (id) => expected.delete(id));
    const packs = await markMissing({ store, index, met: this.met }, expected, pace);
    if (packs > 0) log.error({ vaultId, packs }, 'vault.packs_missing');
  }
}

/**
 * What the store has lost of these packs, or cannot even look at: their copies count for no new backup from now on, and are read last. Returns how many were not known to be
 * missing, those among them that readers met, which are met no more. Throws Unavailable for a store that does not hold the vault.
 */
export async function markMissing(
  { store, index, met }: Pick<LookedAt, 'store' | 'index'> & { readonly met?: Set<number> },
  packIds: Iterable<string>,
  turn: Pick<Turn, 'pass'>,
): Promise<number> {
  let packs = 0;
  let copies: number[] = [];
  const mark = (): void => {
    index.changeState(copies, { set: SUSPECT });
    copies = [];
  };
  for (const id of packIds) {
    await turn.pass();
    const pack = index.findPack(id);
    if (!pack) continue;
    const sound = soundCopiesOf(index, pack);
    const isNews = met?.delete(pack.number) || sound.length > 0;
    if (!isNews || !(await isLost(store, packName(uuidToBytes(id))))) continue;
    packs += 1;
    copies = copies.concat(sound);
    if (copies.length >= COPIES_AT_ONCE) mark();
  }
  if (copies.length > 0) mark();
  return packs;
}

function soundCopiesOf(index: ChunkIndex, { firstCopy, copies }: Pack): number[] {
  const sound: number[] = [];
  for (let copy = firstCopy; copy < firstCopy + copies; copy++)
    if (!isSuspect(index.currentState(copy))) sound.push(copy);
  return sound;
}
