import { isHoldfastError } from '@holdfast/core/errors';
import { reached } from '@holdfast/core/moments';
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
    const end = (): void => void this.end(receiver);
    const isPaused = receiver.pause(() => {
      session.signal.removeEventListener('abort', end);
      this.paused.delete(upload);
    });
    if (!isPaused) return;
    this.paused.add(upload);
    session.signal.addEventListener('abort', end, { once: true });
    if (session.signal.aborted) end();
    const tooMany = this.oneTooManyOf(session) ?? this.oneTooMany();
    if (tooMany) void this.end(tooMany.receiver);
    reached('gateway.pack-paused');
  }

  /** Gives all of a vault up where this says that its store is full: what they hold there may be all that others need. Resolves once it is free. */
  async makeRoomIfFull(vaultId: string, error: unknown): Promise<void> {
    if (!isHoldfastError(error) || error.code !== 'STORE_FULL') return;
    const ofVault = [...this.paused].filter(({ guest }) => guest.group === vaultId);
    await Promise.all(ofVault.map(({ receiver }) => this.end(receiver)));
  }

  /** Resolves when those that ended have left nothing behind. */
  async ended(): Promise<void> {
    await Promise.all(this.ending);
  }

  private end(receiver: PackReceiver): Promise<void> {
    const ending = receiver
      .abort()
      .catch((error: unknown) => this.log.warn({ err: error }, 'upload.not-given-up'))
      .finally(() => this.ending.delete(ending));
    this.ending.add(ending);
    return ending;
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
