/**
 * Takes in one pack. The order decides what a crash can leave:
 *
 * 1. the index knows that the pack is arriving, before its first byte is stored;
 * 2. the file is complete and durable under its name;
 * 3. its rows are in the index, in one transaction, and the pack exists.
 *
 * A crash before 2 leaves nothing but a temporary file; between 2 and 3 a file that the next start
 * finds without rows and remembers as leaked. Bytes are checked as they pass and compared with the
 * footer before the file gets its name. A failed flush is final: the pack is sent again under another id.
 */
import {
  encodePackFooter,
  encodePackHeader,
  type ObjectWriter,
  PackKind,
  PackVerifier,
  packName,
  readPackFooter,
  type VerifiedPack,
} from '@holdfast/core/engine';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import { reached } from '@holdfast/core/moments';
import type { Pack } from '../chunk-index/chunk-index.js';
import { hasTrustedEdges } from '../chunk-index/copy-state.js';
import type { GatewayLimits } from '../limits.js';
import { closeNodes, closeOpenNodes } from './close-nodes.js';
import { footerTooLarge, invalid, notNow } from './refusals.js';
import type { Session } from './session.js';

const ID_BYTES = 32;

export interface AnnouncedPack {
  readonly packId: string;
  readonly kind: PackKind;
  /** It was sent before, and its sender waits to hear from where it is to go on. */
  readonly again?: boolean;
}

const HEADER_BYTES = encodePackHeader(PackKind.PACK_KIND_DATA).length;

export class PackReceiver {
  private state: 'receiving' | 'paused' | 'finishing' | 'stored' | 'aborted' = 'receiving';
  private finishing: Promise<unknown> | undefined;
  private pauseOver: () => void = () => undefined;
  /** The last piece, on its way to the store. */
  private writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly session: Session,
    private readonly limits: GatewayLimits,
    private readonly pack: AnnouncedPack,
    private readonly packNumber: number,
    private readonly writer: ObjectWriter,
    private readonly verifier: PackVerifier,
    private bytes: number,
    private leave: () => void,
  ) {}

  /**
   * Starts to receive, or answers with the stored bytes of a pack that this agent sent before and whose
   * answer may have been lost, with its connection or with an earlier gateway process. A newer call
   * with the same pack id takes over from an older one; one that is told from where goes on with a paused one.
   * Throws Conflict for a pack id that is known from elsewhere, RateLimited above the session's uploads.
   */
  static async start(
    session: Session,
    pack: AnnouncedPack,
    limits: GatewayLimits,
  ): Promise<PackReceiver | { readonly storedBytes: number }> {
    session.requireKind('backup');
    if (session.committed) throw notNow('ALREADY_COMMITTED', 'The session is committed.');
    if (pack.kind !== PackKind.PACK_KIND_DATA && pack.kind !== PackKind.PACK_KIND_NODE)
      throw invalid('PACK_KIND', 'A pack holds data or nodes.');
    if (pack.kind === PackKind.PACK_KIND_NODE && session.openNodes.weight >= limits.maxOpenEdgesPerSession)
      throw notNow(
        'TOO_MANY_OPEN_NODES',
        'What lies below very many nodes of this backup has not come: it comes first, and then more nodes.',
      );
    const earlier = session.uploads.get(pack.packId);
    if (pack.again && earlier?.resume(pack.kind)) return earlier;
    await earlier?.abort();

    const { index, store, vaultId } = session.vault;
    const known = index.findPack(pack.packId);
    if (known?.state === 'stored' && known.uploaderId === session.agentId && known.domainId === session.domainId) {
      const leave = session.enter('upload', limits.maxUploadsPerSession);
      try {
        await takeIn(session, known);
      } finally {
        leave();
      }
      return { storedBytes: known.storedBytes };
    }

    const leave = session.enter('upload', limits.maxUploadsPerSession);
    let packNumber: number | undefined;
    try {
      const identity = { id: pack.packId, kind: pack.kind, domainId: session.domainId, uploaderId: session.agentId };
      packNumber = index.recordArrivingPack({ ...identity, session: session.number });
      const writer = await store.openWriter(packName(uuidToBytes(pack.packId)), { ifAbsent: true });
      const header = encodePackHeader(pack.kind);
      await writer.write(header);
      const verifier = new PackVerifier(
        {
          vaultId: uuidToBytes(vaultId),
          packId: uuidToBytes(pack.packId),
          kind: pack.kind,
          domainId: uuidToBytes(session.domainId),
          uploaderId: uuidToBytes(session.agentId),
        },
        index.checkKey,
      );
      const receiver = new PackReceiver(session, limits, pack, packNumber, writer, verifier, header.length, leave);
      session.uploads.set(pack.packId, receiver);
      reached('gateway.pack-arriving');
      return receiver;
    } catch (error) {
      if (packNumber !== undefined) index.forgetArrivingPack(packNumber);
      leave();
      throw error;
    }
  }

  /** Bytes of frames that have come. */
  get received(): number {
    return this.bytes - HEADER_BYTES;
  }

  /** Keeps what has come and what the store is taking, outside the session's uploads. `over` is called when it goes on or is given up. False when there is nothing to keep. */
  pause(over: () => void): boolean {
    if (this.state !== 'receiving') return false;
    this.state = 'paused';
    this.pauseOver = over;
    this.leave();
    return true;
  }

  /** Throws RateLimited above the session's uploads. */
  private resume(kind: PackKind): boolean {
    if (this.state !== 'paused' || this.pack.kind !== kind) return false;
    this.leave = this.session.enter('upload', this.limits.maxUploadsPerSession);
    this.state = 'receiving';
    this.pauseOver();
    reached('gateway.pack-resumed');
    return true;
  }

  /** Resolves once the store has taken what came, or did not. */
  async written(): Promise<void> {
    await this.writing.catch(() => undefined);
  }

  /** The next piece of the current frame. */
  async piece(bytes: Buffer, last: boolean): Promise<void> {
    this.assertReceiving();
    this.bytes += bytes.length;
    if (this.bytes > this.limits.maxPackBytes)
      throw invalid('PACK_TOO_LARGE', `A pack has at most ${this.limits.maxPackBytes} bytes.`);
    this.verifier.frame(bytes, last);
    this.writing = this.write(bytes);
    await this.writing;
  }

  /** Whoever sent it may be gone by the time that it fails. */
  private async write(bytes: Buffer): Promise<void> {
    try {
      await this.writer.write(bytes);
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  /** The footer ends the pack. Resolves with its stored length once file and rows are durable. */
  async finish(footerBytes: Buffer): Promise<number> {
    this.assertReceiving();
    if (footerBytes.length > this.limits.maxFooterBytes) throw footerTooLarge(this.limits);
    const verified = this.verifier.footer(footerBytes);
    const { tail } = verified;
    const total = this.bytes + tail[0].length + tail[1].length;
    if (total > this.limits.maxPackBytes)
      throw invalid('PACK_TOO_LARGE', `A pack has at most ${this.limits.maxPackBytes} bytes.`);
    this.state = 'finishing';
    const work = this.store(verified, total);
    this.finishing = work.catch(() => undefined);
    return work;
  }

  /** Gives the pack up. Does nothing once it is stored. */
  async abort(): Promise<void> {
    if (this.state === 'finishing') return void (await this.finishing);
    if (this.state !== 'receiving' && this.state !== 'paused') return;
    this.state = 'aborted';
    this.pauseOver();
    this.done();
    await this.writer.abort();
    this.session.vault.index.forgetArrivingPack(this.packNumber);
  }

  private async store(verified: VerifiedPack, total: number): Promise<number> {
    const { session } = this;
    const { index } = session.vault;
    try {
      for (const part of verified.tail) await this.writer.write(part);
      session.assertOpen();
      const { created } = await this.writer.commit();
      if (!created) await this.compareWithStored(verified.tail[0]);
      const pack = index.recordStoredPack(this.packNumber, verified, total);
      await takeIn(session, pack);
      this.state = 'stored';
      reached('gateway.pack-indexed');
      return total;
    } catch (error) {
      this.state = 'aborted';
      await this.writer.abort();
      await this.settleRow();
      throw error;
    } finally {
      this.done();
    }
  }

  /** The file was there: this very pack, of an attempt that ended before its rows were written, or another's. */
  private async compareWithStored(footer: Uint8Array | undefined): Promise<void> {
    const { store } = this.session.vault;
    const stored = await readPackFooter(store, uuidToBytes(this.pack.packId)).catch((error: unknown) => {
      // Nothing that its sender did: the id is given up, as the pack can be sent under another.
      if (isHoldfastError(error, 'Integrity'))
        throw taken('STORED_PACK_DAMAGED', 'The stored pack of this id is damaged.');
      throw error;
    });
    if (footer === undefined || !encodePackFooter(stored).equals(footer))
      throw taken('PACK_ID_TAKEN', 'A pack with this id exists already.');
  }

  /** After a failure the file may have got its name all the same: then the pack is leaked, otherwise it never was. */
  private async settleRow(): Promise<void> {
    const { index, store } = this.session.vault;
    const row = index.findPack(this.pack.packId);
    if (row?.state !== 'arriving' || row.number !== this.packNumber) return;
    const there = await store.stat(packName(uuidToBytes(this.pack.packId))).then(
      (info) => info !== undefined,
      () => true,
    );
    if (there) index.recordLeakedPacks([this.pack.packId]);
    else index.forgetArrivingPack(this.packNumber);
  }

  private assertReceiving(): void {
    this.session.assertOpen();
    if (this.state !== 'receiving')
      throw notNow('UPLOAD_OVER', 'This upload was given up, or a newer one of the same pack took over.');
  }

  private done(): void {
    if (this.session.uploads.get(this.pack.packId) === this) this.session.uploads.delete(this.pack.packId);
    this.leave();
  }
}

function taken(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'Conflict', code, message });
}

/** The pack's chunks may be referred to by this session, and its nodes are closed as far as that goes already. */
async function takeIn(session: Session, pack: Pack): Promise<void> {
  const { takenIn, known } = session;
  if (takenIn.has(pack.number)) return;
  takenIn.add(pack.number);
  known.addRange(pack.firstCopy, pack.copies);
  if (pack.kind !== PackKind.PACK_KIND_NODE) return;
  try {
    await takeInNodes(session, pack);
  } catch (error) {
    takenIn.delete(pack.number);
    throw error;
  }
}

async function takeInNodes(session: Session, pack: Pack): Promise<void> {
  const { index } = session.vault;
  const { openNodes } = session;
  const turn = session.turn();
  const nodes: number[] = [];
  for (let node = pack.firstCopy; node < pack.firstCopy + pack.copies; node++) {
    if (hasTrustedEdges(index.currentState(node))) continue;
    nodes.push(node);
    openNodes.add(node, index.edgesOf(node).length / ID_BYTES);
    await turn.pass();
  }
  if (openNodes.isLookDue) await closeOpenNodes(session, turn);
  else await closeNodes(session, nodes, turn);
}
