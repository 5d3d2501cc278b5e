import type { Log } from '../../platform/telemetry/log.js';
import { type Guest, Shares } from '../shares.js';
import type { PackReceiver } from './receive-pack.js';
import type { Session } from './session.js';

interface PausedUpload {
  readonly guest: Guest;
  readonly receiver: PackReceiver;
}

/** Uploads that gave their places up in the middle. They go on where they were when their packs come again, and end with their sessions. */
export class PausedUploads {
  /** In order of coming. */
  private readonly paused = new Set<PausedUpload>();
  private readonly ending = new Set<Promise<void>>();

  constructor(
    private readonly most: number,
    private readonly log: Log,
  ) {}

  pause(session: Session, receiver: PackReceiver): void {
    const upload = { guest: { group: session.vault.vaultId, key: session.agentId }, receiver };
    const end = (): void => this.end(receiver);
    const isPaused = receiver.pause(() => {
      session.signal.removeEventListener('abort', end);
      this.paused.delete(upload);
    });
    if (!isPaused) return;
    this.paused.add(upload);
    session.signal.addEventListener('abort', end, { once: true });
    if (session.signal.aborted) end();
    else if (this.paused.size > this.most) this.end(this.oneTooMany());
  }

  /** Resolves when those that ended have left nothing behind. */
  async ended(): Promise<void> {
    await Promise.all(this.ending);
  }

  private end(receiver: PackReceiver): void {
    const ending = receiver
      .abort()
      .catch((error: unknown) => this.log.warn({ err: error }, 'upload.not-given-up'))
      .finally(() => this.ending.delete(ending));
    this.ending.add(ending);
  }

  /** The oldest of whoever has most. */
  private oneTooMany(): PackReceiver {
    const shares = new Shares(this.paused);
    const most = [...this.paused].reduce((found, each) => (shares.compare(each.guest, found.guest) > 0 ? each : found));
    return most.receiver;
  }
}
