import { mayBeAlone, type ObjectStore } from '@holdfast/core/engine';
import type { HoldfastError } from '@holdfast/core/errors';
import type { Log } from '../../platform/telemetry/log.js';
import { requireVaultIn } from './vault-in-store.js';

/** Without it there is no pack at all: that is the store. */
const PACKS = 'pack/';
/** Named in the log; of more, only the number is told. */
const MOST_NAMED = 20;

/** What a listing came by that could not be looked at, such as a file whose inode is damaged: nothing else of the vault waits for it. */
export class UnreadableObjects {
  private count = 0;
  private readonly named: string[] = [];
  private first: HoldfastError | undefined;

  constructor(
    private readonly vault: { readonly vaultId: string; readonly store: Pick<ObjectStore, 'stat' | 'list'> },
    private readonly log: Log,
  ) {}

  get any(): boolean {
    return this.count > 0;
  }

  /** To be given to a listing. Throws what is not of one object. */
  readonly add = (name: string, failure: HoldfastError): void => {
    if (name === PACKS || !mayBeAlone(failure)) throw failure;
    this.count += 1;
    this.first ??= failure;
    if (this.named.length < MOST_NAMED) this.named.push(name);
  };

  /** Throws Unavailable where it is the store that cannot be read. */
  async tell(): Promise<void> {
    if (!this.any) return;
    await requireVaultIn(this.vault.store);
    const { count, named, first } = this;
    this.log.error({ vaultId: this.vault.vaultId, objects: named, count, err: first }, 'store.objects_not_read');
  }
}
