import type { Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { GatewayLimits } from '../limits.js';
import type { Place } from '../place.js';
import type { PausedUploads } from './paused-uploads.js';
import { type AnnouncedPack, PackReceiver } from './receive-pack.js';
import { footerTooLarge, invalid } from './refusals.js';
import type { Session } from './session.js';

/** So long a store may take over one piece, before whoever comes for the rest of the pack is told to come again. */
const PIECE_MS = 10_000;

export interface UploadPorts {
  readonly limits: GatewayLimits;
  readonly timers: Pick<Timers, 'after'>;
  readonly pausedUploads: PausedUploads;
}

/**
 * One call's part of a pack: from its header, or from where an earlier call had to give its place up, to the answer, or to where its own place is taken. A
 * piece that the store is at then is waited for by whoever comes for the rest, and by nobody who waits for the place.
 */
export class Upload {
  private readonly footer: Buffer[] = [];
  private footerBytes = 0;

  private constructor(
    private readonly ports: UploadPorts,
    private readonly session: Session,
    private readonly receiver: PackReceiver,
    private readonly place: Place,
  ) {}

  /** A number: the stored bytes of a pack that was stored before. Throws Timeout while a piece of an earlier call is not written. */
  static async start(
    ports: UploadPorts,
    session: Session,
    pack: AnnouncedPack,
    place: Place,
  ): Promise<Upload | number> {
    await untilWritten(ports, session, pack.packId, place);
    try {
      const receiver = await PackReceiver.start(session, pack, ports.limits);
      return receiver instanceof PackReceiver ? new Upload(ports, session, receiver, place) : receiver.storedBytes;
    } catch (error) {
      await ports.pausedUploads.makeRoomIfFull(session.vault.vaultId, error);
      throw error;
    }
  }

  /** Bytes of frames that have come, in this call or an earlier one. */
  get received(): number {
    return this.receiver.received;
  }

  /** Throws the reason of the place once it is taken, whatever the store is at. */
  async piece(bytes: Buffer, last: boolean): Promise<void> {
    if (this.footer.length > 0) throw invalid('MALFORMED_CALL', 'A frame comes after the footer has begun.');
    await endedBy(this.place.signal, this.receiver.piece(bytes, last));
  }

  footerPiece(bytes: Buffer): void {
    this.footerBytes += bytes.length;
    if (this.footerBytes > this.ports.limits.maxFooterBytes) throw footerTooLarge(this.ports.limits);
    this.footer.push(bytes);
  }

  /** The place is kept: what is left is the server's own work, and is brought to its end. */
  async finish(): Promise<number> {
    this.place.keep();
    return this.receiver.finish(Buffer.concat(this.footer));
  }

  /** What has come is kept where the place was taken, and given up otherwise. */
  async fail(error: unknown): Promise<void> {
    const { pausedUploads } = this.ports;
    if (error === this.place.signal.reason) return pausedUploads.pause(this.session, this.receiver);
    await this.receiver.abort();
    await pausedUploads.makeRoomIfFull(this.session.vault.vaultId, error);
  }
}

/** A pack goes on behind all that came of it: what would be given up otherwise has come over a slow link, and its end had to be waited for just as long. */
async function untilWritten({ timers }: UploadPorts, session: Session, packId: string, place: Place): Promise<void> {
  const earlier = session.uploads.get(packId);
  if (earlier === undefined) return;
  const late = new AbortController();
  const cancel = timers.after(PIECE_MS, () => late.abort(storeIsLate()));
  try {
    await endedBy(AbortSignal.any([late.signal, place.signal, session.signal]), earlier.written());
  } finally {
    cancel();
  }
}

/** What the work comes to, or the signal's reason as soon as it fires. */
async function endedBy<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const fired = Promise.withResolvers<never>();
  const end = (): void => fired.reject(signal.reason as Error);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    return await Promise.race([work, fired.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function storeIsLate(): HoldfastError {
  return new HoldfastError({
    kind: 'Timeout',
    code: 'STORE_TIMEOUT',
    message: `The vault's store has taken a piece of the pack for ${PIECE_MS / 1_000} seconds: the pack comes again, and goes on where it was.`,
  });
}
