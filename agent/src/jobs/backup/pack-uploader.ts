import { isHoldfastError } from '@holdfast/core/errors';
import { reached } from '@holdfast/core/moments';
import type { DataSession, OutgoingPack } from '../data-transport.js';
import type { Counters } from '../job.js';
import { BackPressure } from './back-pressure.js';
import type { PipelineStop } from './pipeline-stop.js';
import type { SpoiledPacks } from './spoiled-packs.js';

/** Uploads beside each other: more keep a slow link full, fewer keep memory low. */
const PARALLEL_UPLOADS = 3;

/** Sends packs, a few at a time. A pack stays in memory until the gateway says that it is durable. */
export class PackUploader {
  private readonly pressure = new BackPressure();
  private readonly queue: { readonly pack: OutgoingPack; readonly ended: () => void }[] = [];
  private readonly parallel: number;
  private active = 0;

  constructor(
    private readonly session: DataSession,
    private readonly counters: Counters,
    private readonly spoiled: Pick<SpoiledPacks, 'add'>,
    private readonly stop: PipelineStop,
  ) {
    this.parallel = Math.max(1, Math.min(session.terms.maxParallelUploads, PARALLEL_UPLOADS));
    stop.onStop(() => this.pressure.changed());
  }

  /** Resolves when nobody needs the pack's memory any more, however its upload ended. */
  submit(pack: OutgoingPack): Promise<void> {
    return new Promise((resolve) => {
      this.queue.push({ pack, ended: resolve });
      this.startNext();
    });
  }

  /** Everything submitted is durable. */
  async drain(): Promise<void> {
    await this.pressure.until(() => (this.queue.length === 0 && this.active === 0) || this.stop.stopped);
    this.stop.check();
  }

  /** Nothing runs any more, however it ended. */
  async settled(): Promise<void> {
    await this.pressure.until(() => this.active === 0);
  }

  private startNext(): void {
    while (this.active < this.parallel && !this.stop.stopped) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.active += 1;
      void this.upload(next.pack).then(next.ended);
    }
  }

  private async upload(pack: OutgoingPack): Promise<void> {
    let counted = 0;
    const sent = (bytes: number): void => {
      this.counters.bytesSent += Math.max(0, bytes - counted);
      counted = Math.max(bytes, counted);
    };
    try {
      reached('agent.pack-sealed');
      const stored = await this.session.uploadPack(pack, this.stop.signal, sent);
      reached('agent.pack-acknowledged');
      sent(pack.bytes);
      this.counters.bytesStored += stored;
    } catch (error) {
      this.failed(pack, error);
    } finally {
      this.active -= 1;
      this.startNext();
      this.pressure.changed();
    }
  }

  /** A pack that is not what its footer says when the gateway checks it can be made anew; anything else ends the job. */
  private failed(pack: OutgoingPack, error: unknown): void {
    try {
      if (!isHoldfastError(error, 'Integrity')) throw error;
      this.spoiled.add(pack.footer, error.message);
    } catch (final) {
      this.stop.fail(final);
    }
  }
}
