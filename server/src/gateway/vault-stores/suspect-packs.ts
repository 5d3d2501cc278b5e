import { encodePackFooter, type ObjectStore, readPackFooter } from '@holdfast/core/engine';
import { asHoldfastError, HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, Pack, SuspectPack } from '../chunk-index/chunk-index.js';
import { copiesOf, isDamage, isFrameSuspect } from './damaged-frames.js';
import { LookPace, type LookPacePorts } from './look-pace.js';
import { readFrame } from './read-frames.js';
import { requireVaultIn } from './vault-in-store.js';

interface LookedAt {
  readonly vaultId: string;
  readonly store: ObjectStore;
  readonly index: ChunkIndex;
}

export interface SuspectPackPorts extends LookPacePorts {
  readonly log: Log;
  /** Copies of this pack count again. */
  readonly onCleared: (pack: Pack) => void;
}

/** Of packs that were looked at: without suspect copies now, with damaged ones left, not there, or not to be read although the store is there. */
interface Tally {
  sound: number;
  damaged: number;
  missing: number;
  unread: number;
}

/**
 * Packs with copies that were found damaged or gone. A disk comes back, a file is put back: so they are looked at again, and what of
 * them is what came, byte by byte, counts again. What is not stays suspect, and is told of at each look.
 */
export class SuspectPacks {
  private stopped = false;
  private looking: Promise<void> | undefined;
  /** Numbers of packs that readers met; each is looked at once, and not again before the next look at all where it was damaged. */
  private readonly known = new Set<number>();
  private readonly waiting = new Set<number>();

  constructor(
    private readonly vault: LookedAt,
    private readonly ports: SuspectPackPorts,
  ) {}

  /** Looks at all of them. Never rejects. */
  look(): Promise<void> {
    return this.afterOthers(async () => {
      const tally: Tally = { sound: 0, damaged: 0, missing: 0, unread: 0 };
      const pace = this.pace();
      for (let suspect = this.next(0); suspect !== undefined; suspect = this.next(suspect.pack.number))
        tally[await this.lookAt(suspect, pace)] += 1;
      this.known.clear();
      this.tell(tally);
    });
  }

  /** A reader found a suspect frame of this pack sound. */
  met({ number }: Pack): void {
    if (this.known.has(number)) return;
    this.known.add(number);
    this.waiting.add(number);
    if (this.waiting.size === 1) void this.afterOthers(() => this.lookAtMet());
  }

  /** To be called before the index is closed. */
  stop(): void {
    this.stopped = true;
  }

  private async lookAtMet(): Promise<void> {
    const tally: Tally = { sound: 0, damaged: 0, missing: 0, unread: 0 };
    const pace = this.pace();
    for (const number of this.waiting) {
      // A look at all of them may have cleared it meanwhile.
      const suspect = this.vault.index.suspectPack(number);
      const found = suspect && (await this.lookAt(suspect, pace));
      if (found !== undefined) tally[found] += 1;
      if (found !== 'damaged') this.known.delete(number);
      this.waiting.delete(number);
    }
    this.tell(tally);
  }

  /** One look at a time, whoever asked. */
  private afterOthers(look: () => Promise<void>): Promise<void> {
    const { log } = this.ports;
    const { vaultId } = this.vault;
    const looking = (this.looking ?? Promise.resolve()).then(look).catch((error: unknown) => {
      this.waiting.clear();
      this.known.clear();
      if (!this.stopped) log.warn({ vaultId, err: error }, 'vault.suspects_not_read');
    });
    this.looking = looking;
    return looking;
  }

  /** With its mark as it is when its turn comes: what was found damaged before then is read yet. */
  private next(after: number): SuspectPack | undefined {
    this.assertRunning();
    return this.vault.index.suspectPacks(after, 1)[0];
  }

  private pace(): LookPace {
    return new LookPace(this.ports, this.vault.vaultId);
  }

  private async lookAt(suspect: SuspectPack, pace: LookPace): Promise<keyof Tally> {
    const { index } = this.vault;
    const { pack } = suspect;
    const failure = await this.failureOf(() => this.compareFooter(pack, pace));
    if (failure?.kind === 'NotFound') return 'missing';
    if (failure) return isDamage(failure) ? 'damaged' : this.unread(pack, failure);
    const sound: number[] = [];
    let isWhole = true;
    for (const frame of index.framesOf(pack)) {
      if (!isFrameSuspect(index, frame)) continue;
      await pace.pass();
      const damage = await this.failureOf(() => readFrame(this.vault, pack, frame));
      if (damage === undefined) sound.push(...copiesOf(frame));
      else if (isDamage(damage)) isWhole = false;
      else return this.unread(pack, damage);
    }
    // What was found damaged while this was read is looked at the next time.
    if (!index.clearSuspect(suspect, sound)) return 'damaged';
    if (sound.length > 0) this.ports.onCleared(pack);
    return isWhole ? 'sound' : 'damaged';
  }

  /** Throws unless the file has the pack's header, footer and length. */
  private async compareFooter(pack: Pack, pace: LookPace): Promise<void> {
    const { store, index } = this.vault;
    await pace.pass();
    const stored = encodePackFooter(await readPackFooter(store, uuidToBytes(pack.id)));
    await pace.pass();
    const known = index.footerOf(pack);
    await pace.pass();
    if (encodePackFooter(known).equals(stored)) return;
    throw new HoldfastError({
      kind: 'Integrity',
      code: 'PACK_EXCHANGED',
      message: 'The pack is not the one that was stored.',
    });
  }

  /** It may be this pack alone, such as one that somebody else put back. Throws where it is the store. */
  private async unread({ id }: Pack, failure: HoldfastError): Promise<'unread'> {
    const { vaultId, store } = this.vault;
    await requireVaultIn(store);
    this.ports.log.warn({ vaultId, packId: id, err: failure }, 'vault.pack_not_read');
    return 'unread';
  }

  private async failureOf(read: () => Promise<unknown>): Promise<HoldfastError | undefined> {
    let failure: HoldfastError | undefined;
    try {
      this.assertRunning();
      await read();
    } catch (error) {
      failure = asHoldfastError(error);
    }
    this.assertRunning();
    return failure;
  }

  private assertRunning(): void {
    if (this.stopped) throw new Error('the vault is closed');
  }

  private tell({ sound, damaged, missing, unread }: Tally): void {
    const { log } = this.ports;
    const { vaultId } = this.vault;
    if (sound > 0) log.info({ vaultId, packs: sound }, 'vault.packs_sound_again');
    if (damaged + missing + unread > 0) log.error({ vaultId, damaged, missing, unread }, 'vault.packs_suspect');
  }
}
