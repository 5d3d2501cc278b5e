import { createHash } from 'node:crypto';
import {
  ChunkHasher,
  decodeFrameEntry,
  decodeWrappedSessionKey,
  deriveFrameKey,
  encodeFrameEntry,
  type FrameEntry,
  FrameSealer,
  frameCheck,
  frameDigest,
  KEY_BYTES,
  KeyDeriver,
  type OpenedChunk,
  openChunks,
  openFrame,
  openSessionKey,
  PackKind,
  releaseFrameKey,
  sealReleasedKey,
  splitFrame,
  verifyChunk,
} from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import { type Random, uuidToBytes } from '@holdfast/core/ids';
import { BoundedCache } from './bounded-cache.js';
import type {
  ClosedFrame,
  CutFrame,
  DomainAccess,
  FrameKeyQuestion,
  FrameOpening,
  FrameVerdict,
} from './frame-opening.js';

const MOST_SESSION_KEYS = 256;
const NOT_OPENED = Buffer.alloc(0);

/** Opens frames in the thread that it is called in. Session keys that it unwrapped stay here for a while, and nowhere else. */
export class FrameOpener implements FrameOpening {
  private readonly sessionKeys = new BoundedCache<KeyDeriver>(MOST_SESSION_KEYS);

  constructor(private readonly random: Random) {}

  async openNodes(access: DomainAccess, frame: ClosedFrame): Promise<OpenedChunk[]> {
    const { entry, context, key } = await this.frameKey(access, frame);
    return openChunks(new ChunkHasher(access.idKey), key, context, entry, frame.bytes);
  }

  async releaseFrameKeys(
    access: DomainAccess,
    transportKey: Uint8Array,
    questions: readonly FrameKeyQuestion[],
  ): Promise<Buffer[]> {
    const place = placeOf(access);
    const sealed: Buffer[] = [];
    for (const { sessionKey, frameDigest } of questions) {
      const session = await this.sessionKey(access, sessionKey).catch(asUnopened);
      if (session === undefined) sealed.push(NOT_OPENED);
      else {
        const key = releaseFrameKey(session, frameDigest);
        sealed.push(sealReleasedKey(transportKey, place, frameDigest, key, this.random));
      }
    }
    return sealed;
  }

  async cutFrame(
    access: DomainAccess,
    transportKey: Uint8Array,
    frame: ClosedFrame,
    chunkIds: readonly Uint8Array[],
  ): Promise<CutFrame | undefined> {
    const opened = await this.opened(access, frame).catch(asUnopened);
    if (opened === undefined) return undefined;
    const wanted = new Set(chunkIds.map((id) => Buffer.from(id).toString('latin1')));
    const chunks = opened.filter(({ id }) => wanted.has(Buffer.from(id).toString('latin1')));
    const context = { ...placeOf(access), kind: kindOf(frame) };
    const sessionKey = this.random.bytes(KEY_BYTES);
    const cut = new FrameSealer({ context, sessionKey, padded: true }).seal({
      plaintext: Buffer.concat(chunks.map(({ plaintext }) => plaintext)),
      chunks: chunks.map(({ id, plaintext, edges }) => ({
        id,
        length: plaintext.length,
        ...(context.kind === PackKind.PACK_KIND_NODE && { edges }),
      })),
    });
    const cutEntry = { offset: 0n, ...cut.entry };
    const digest = frameDigest(cutEntry);
    const frameKey = releaseFrameKey(sessionKey, digest);
    return {
      frame: encodeFrameEntry(cutEntry),
      stored: cut.stored,
      sealedFrameKey: sealReleasedKey(transportKey, placeOf(access), digest, frameKey, this.random),
    };
  }

  async verifyFrame(access: DomainAccess, frame: ClosedFrame): Promise<FrameVerdict> {
    const entry = decodeFrameEntry(frame.frame, kindOf(frame));
    const chunks = await this.opened(access, frame).catch(asUnopened);
    if (chunks === undefined) {
      const named = splitFrame(entry, Buffer.alloc(0)).map((chunk) => Buffer.from(chunk.id));
      return { good: [], bad: isAsStored(entry, frame) ? named : [] };
    }
    const hasher = new ChunkHasher(access.idKey);
    const good: Buffer[] = [];
    const bad: Buffer[] = [];
    for (const chunk of chunks) (isWhatItClaims(hasher, kindOf(frame), chunk) ? good : bad).push(Buffer.from(chunk.id));
    return { good, bad };
  }

  /** The chunks of a frame, none of them compared with its id. */
  private async opened(access: DomainAccess, frame: ClosedFrame): Promise<OpenedChunk[]> {
    const { entry, context, key } = await this.frameKey(access, frame);
    return splitFrame(entry, openFrame(key, context, entry, frame.bytes));
  }

  private async frameKey(access: DomainAccess, frame: ClosedFrame) {
    const entry = decodeFrameEntry(frame.frame, kindOf(frame));
    const session = await this.sessionKey(access, frame.sessionKey);
    return { entry, context: { ...placeOf(access), kind: kindOf(frame) }, key: deriveFrameKey(session, entry) };
  }

  private async sessionKey(access: DomainAccess, wrapped: Uint8Array): Promise<KeyDeriver> {
    const name = createHash('sha256')
      .update(uuidToBytes(access.vaultId))
      .update(uuidToBytes(access.domainId))
      .update(access.privateKey)
      .update(wrapped)
      .digest('hex');
    const known = this.sessionKeys.get(name);
    if (known) return known;
    const opened = new KeyDeriver(
      await openSessionKey(access.privateKey, placeOf(access), decodeWrappedSessionKey(wrapped)),
    );
    this.sessionKeys.set(name, opened, 1);
    return opened;
  }
}

/** Throws what says nothing about the frame. */
function asUnopened(error: unknown): undefined {
  if (!isHoldfastError(error, 'Integrity') && !isHoldfastError(error, 'WrongKey')) throw error;
}

/** Bytes that are not what came to the vault have changed since its gateway read them. */
function isAsStored(entry: FrameEntry, { bytes }: ClosedFrame): boolean {
  return frameCheck(bytes).equals(entry.storedCheck);
}

function placeOf(access: DomainAccess) {
  return { vaultId: uuidToBytes(access.vaultId), domainId: uuidToBytes(access.domainId) };
}

function kindOf(frame: ClosedFrame): PackKind {
  return frame.packKind === 'DATA' ? PackKind.PACK_KIND_DATA : PackKind.PACK_KIND_NODE;
}

function isWhatItClaims(hasher: ChunkHasher, kind: PackKind, chunk: OpenedChunk): boolean {
  try {
    verifyChunk(hasher, kind, chunk.id, chunk.edges, chunk.plaintext);
    return true;
  } catch (error) {
    if (!isHoldfastError(error, 'Integrity')) throw error;
    return false;
  }
}
