import type { Log } from '../../platform/telemetry/log.js';
import type { GatewayLimits } from '../limits.js';
import { type Guest, Shares } from '../shares.js';
import type { PackReceiver } from './receive-pack.js';
import type { Session } from './session.js';

interface PausedUpload {
  readonly session: Session;
  readonly guest: Guest;
  readonly receiver: PackReceiver;
}

/** Uploads that gave their places up in the middle. They go on where they were when their packs come again, and end with their sessions. */
export class PausedUploads {
  /** In order of coming. */
  private readonly paused = new Set<PausedUpload>();
  private readonly ending = new Set<Promise<void>>();

  constructor(
    private readonly limits: Pick<GatewayLimits, 'maxPausedUploads' | 'maxUploadsPerSession'>,
    private readonly log: Log,
  ) {}

  pause(session: Session, receiver: PackReceiver): void {
    const upload = { session, guest: { group: session.vault.vaultId, key: session.agentId }, receiver };
    const end = (): void => this.end(receiver);
    const isPaused = receiver.pause(() => {
      session.signal.removeEventListener('abort', end);
      this.paused.delete(upload);
    });
    if (!isPaused) return;
    this.paused.add(upload);
    session.signal.addEventListener('abort', end, { once: true });
    if (session.signal.aborted) end();
    const tooMany = this.oneTooManyOf(session) ?? this.oneTooMany();
    if (tooMany) this.end(tooMany.receiver);
  }

  /** Gives all of a vault up, whose store is full: what they hold there may be all that others need. */
  makeRoom(vaultId: string): void {
    for (const { guest, receiver } of this.paused) if (guest.group === vaultId) this.end(receiver);
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

  /** Its oldest, of more than it may send at a time: nobody means to go on with all of them. */
  private oneTooManyOf(session: Session): PausedUpload | undefined {
    const own = [...this.paused].filter((each) => each.session === session);
    return own.length > this.limits.maxUploadsPerSession ? own[0] : undefined;
  }

  /** The oldest of whoever has most. */
  private oneTooMany(): PausedUpload | undefined {
    if (this.paused.size <= this.limits.maxPausedUploads) return undefined;
    const shares = new Shares(this.paused);
    return [...this.paused].reduce((found, each) => (shares.compare(each.guest, found.guest) > 0 ? each : found));
  }
}
