import type { Clock } from '@holdfast/core/clock';
import type {
  ByteRange,
  ObjectInfo,
  ObjectStore,
  ObjectWriter,
  PutOptions,
  PutResult,
  StoreSpace,
  TellUnreadable,
} from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { Log } from '../../platform/telemetry/log.js';

/** A disk that was asleep has answered by then, and one that repeats a bad read mostly has. */
const HANGS_AFTER_MS = 10_000;
/** Each holds one of the few calls that its disk may have under way until it answers. One may be stuck for ever in a store that is well otherwise. */
const MOST_HANGING = 2;

export interface HangGuardPorts {
  readonly vaultId: string;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
}

/**
 * A store as it is, but for reads once it hangs: while two of them have had no answer for long, no other is sent after them, whoever asks. Those two show
 * when it answers again. Otherwise everybody who looks whether it still hangs would leave a thread there, until other vaults have none.
 */
export class HangGuard implements ObjectStore {
  /** When each read began, the oldest first. */
  private readonly underWay = new Set<{ readonly began: number }>();
  private isTold = false;

  constructor(
    private readonly store: ObjectStore,
    private readonly ports: HangGuardPorts,
  ) {}

  get remote(): boolean {
    return this.store.remote;
  }

  put(name: string, content: Uint8Array | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<PutResult> {
    return this.store.put(name, content, options);
  }

  openWriter(name: string, options?: PutOptions): Promise<ObjectWriter> {
    return this.store.openWriter(name, options);
  }

  get(name: string, range?: ByteRange): Promise<Buffer> {
    return this.read(() => this.store.get(name, range));
  }

  stat(name: string): Promise<ObjectInfo | undefined> {
    return this.read(() => this.store.stat(name));
  }

  async *list(prefix: string, unreadable?: TellUnreadable): AsyncIterable<ObjectInfo> {
    const objects = this.store.list(prefix, unreadable)[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.read(() => objects.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  space(): Promise<StoreSpace | undefined> {
    return this.read(() => this.store.space());
  }

  private async read<T>(ask: () => Promise<T>): Promise<T> {
    if (this.hanging() >= MOST_HANGING) throw this.refusal();
    const reading = { began: this.ports.clock.monotonic() };
    this.underWay.add(reading);
    try {
      return await ask();
    } finally {
      this.underWay.delete(reading);
      if (this.isTold && this.hanging() < MOST_HANGING) this.answersAgain();
    }
  }

  private hanging(): number {
    const before = this.ports.clock.monotonic() - HANGS_AFTER_MS;
    let count = 0;
    for (const { began } of this.underWay) {
      if (began > before || count === MOST_HANGING) break;
      count += 1;
    }
    return count;
  }

  private refusal(): HoldfastError {
    const { vaultId, log } = this.ports;
    if (!this.isTold) log.error({ vaultId }, 'store.hangs');
    this.isTold = true;
    return new HoldfastError({
      kind: 'Unavailable',
      code: 'STORE_HANGS',
      message: 'The store hangs: what was asked of it before has had no answer for more than ten seconds.',
    });
  }

  private answersAgain(): void {
    const { vaultId, log } = this.ports;
    this.isTold = false;
    log.info({ vaultId }, 'store.answers_again');
  }
}
