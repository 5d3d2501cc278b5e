import type { Timers } from '@holdfast/core/clock';
import { PackKind } from '@holdfast/core/engine';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes } from '@holdfast/core/ids';
import { reached } from '@holdfast/core/moments';
import type { OutgoingPack } from '../../agent/src/jobs/data-transport.js';
import type { GatewayCore } from '../../server/src/gateway/gateway-core.js';
import { Upload } from '../../server/src/gateway/sessions/upload.js';
import { Life } from './life.js';

/** What lies between agents and the gateway. */
export interface Link {
  readonly piecesPerFrame: number;
  /** What each piece takes. */
  readonly msPerPiece: number;
}

export const FAST_LINK: Link = { piecesPerFrame: 2, msPerPiece: 0 };

/** Sees packs that give their places up, and where they go on. */
export interface UploadWatch {
  gaveWay(sessionId: string, packId: string, received: number): void;
  goesOn(sessionId: string, packId: string, received: number): void;
}

export interface Sender {
  readonly life: Life;
  readonly agentId: string;
  readonly sessionId: string;
  readonly link: Link;
  readonly timers: Pick<Timers, 'sleep'>;
  readonly watch: UploadWatch;
  /** The gateway has asked for the rest. */
  readonly goesOn: () => void;
}

/** What the gateway's door does with an upload, message by message. */
export async function receive(core: GatewayCore, sender: Sender, pack: OutgoingPack, again: boolean): Promise<number> {
  const { agentId, sessionId, watch } = sender;
  const session = core.sessions.find(agentId, sessionId);
  const packId = uuidFromBytes(pack.packId);
  const kind = pack.kind === 'NODE' ? PackKind.PACK_KIND_NODE : PackKind.PACK_KIND_DATA;
  const guest = { group: session.vault.vaultId, key: agentId };
  const place = await session.waitingFor(() => core.uploads.enter(guest, session.signal));
  const over = AbortSignal.any([place.signal, session.signal]);
  try {
    const upload = await Upload.start(core, session, { packId, kind, again }, place);
    if (typeof upload === 'number') return upload;
    try {
      watch.goesOn(sessionId, packId, upload.received);
      if (again) sender.goesOn();
      await send(upload, sender, pack, over);
      sender.life.live(() => reached('agent.pack-sent'));
      return await upload.finish();
    } catch (error) {
      const { received } = upload;
      await upload.fail(error);
      if (isHoldfastError(error) && error.code === 'PLACE_GIVEN_UP' && Life.current?.alive === true)
        watch.gaveWay(sessionId, packId, received);
      throw error;
    }
  } finally {
    place.leave();
  }
}

async function send(upload: Upload, sender: Sender, pack: OutgoingPack, over: AbortSignal): Promise<void> {
  const { link, timers } = sender;
  for (const { bytes, last } of piecesBehind(upload.received, pack.frames, link.piecesPerFrame)) {
    if (link.msPerPiece > 0) await timers.sleep(link.msPerPiece);
    if (!sender.life.alive) throw callerGone();
    over.throwIfAborted();
    // Copied, as from a socket: the sender's memory is its own again once it is gone.
    await upload.piece(Buffer.from(bytes), last);
  }
  over.throwIfAborted();
  upload.footerPiece(Buffer.from(pack.footer));
}

function* piecesBehind(received: number, frames: readonly Buffer[], perFrame: number) {
  let begins = 0;
  for (const frame of frames) {
    const length = Math.ceil(frame.length / perFrame);
    for (let at = Math.max(0, received - begins); at < frame.length; at += length)
      yield { bytes: frame.subarray(at, at + length), last: at + length >= frame.length };
    begins += frame.length;
  }
}

function callerGone(): HoldfastError {
  return new HoldfastError({ kind: 'Cancelled', code: 'CALLER_GONE', message: 'The caller has gone.' });
}
