import { ChunkHasher, decodeFrameEntry, openFrame, openReleasedKey, PackKind, parseNode, splitFrame, verifyChunk } from '@holdfast/core/engine';
import type { OpenedChunk, ParsedNode } from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import type { DataSession, IncomingFrame } from '../data-transport.js';
import { idKey } from '../ids.js';
import type { RestoreCommand } from '../job.js';
import { DamageError } from './damage.js';
import { OpenedFrames } from './opened-frames.js';

const CHUNKS_PER_READ = 1_024;
/** Copies of one chunk that are tried. */
const MOST_TRIES = 8;

type Keys = Pick<RestoreCommand, 'vaultId' | 'idKey' | 'transportKey'>;

/** What became of each chunk that was asked for: its verified content, or why there is none. */
export class FetchedChunks {
  private readonly found = new Map<string, OpenedChunk | DamageError>();

  set(id: Buffer, result: OpenedChunk | DamageError): void {
    this.found.set(idKey(id), result);
  }

  has(id: Buffer): boolean {
    return this.found.has(idKey(id));
  }

  /** Throws DamageError. */
  get(id: Buffer): OpenedChunk {
    const result = this.found.get(idKey(id)) ?? new DamageError('it was not delivered');
    if (result instanceof DamageError) throw result;
    return result;
  }
}

/**
 * Reads chunks of a vault, verified end to end: the frame's key opens it, and the content has the name that was asked for. A
 * copy that fails is asked for again from another pack, as long as there is one.
 */
export class ChunkReader {
  private readonly hasher: ChunkHasher;
  private readonly opened = { DATA: new OpenedFrames(32 * 1024 * 1024), NODE: new OpenedFrames(24 * 1024 * 1024) };

  constructor(
    private readonly session: DataSession,
    private readonly keys: Keys,
    private readonly signal: AbortSignal,
  ) {
    this.hasher = new ChunkHasher(keys.idKey);
  }

  /** Never fails for damage; throws what ends the job. */
  async fetch(ids: readonly Buffer[]): Promise<FetchedChunks> {
    const fetched = new FetchedChunks();
    const wanted = new Map<string, Buffer>();
    for (const id of ids) {
      const cached = this.opened.DATA.find(id) ?? this.opened.NODE.find(id);
      if (cached === undefined) wanted.set(idKey(id), id);
      else this.deliver(id, cached.chunk, cached.kind, fetched);
    }
    const all = [...wanted.values()];
    for (let from = 0; from < all.length; from += CHUNKS_PER_READ) await this.fetchFromVault(all.slice(from, from + CHUNKS_PER_READ), fetched);
    return fetched;
  }

  /** Throws DamageError. */
  async node(id: Buffer): Promise<ParsedNode> {
    const { plaintext, edges } = (await this.fetch([id])).get(id);
    try {
      return parseNode(plaintext, edges);
    } catch (error) {
      throw asDamage(error);
    }
  }

  private async fetchFromVault(ids: readonly Buffer[], fetched: FetchedChunks): Promise<void> {
    const avoid = new Map<string, Buffer>();
    let left = [...ids];
    for (let attempt = 0; left.length > 0 && attempt < MOST_TRIES; attempt++) {
      for await (const answer of this.session.readChunks(left, [...avoid.values()], this.signal)) {
        if (answer.kind === 'damaged') {
          for (const id of answer.ids) fetched.set(Buffer.from(id), new DamageError(answer.reason || 'no readable copy is left'));
        } else if (!this.openInto(answer.frame, left, fetched)) avoid.set(idKey(answer.frame.packId), answer.frame.packId);
      }
      left = left.filter((id) => !fetched.has(id));
    }
    for (const id of left) fetched.set(id, new DamageError('no copy of it is intact'));
  }

  /** False when the frame, or a chunk of it that is wanted, is not what it should be. */
  private openInto(frame: IncomingFrame, wanted: readonly Buffer[], fetched: FetchedChunks): boolean {
    const asked = new Set(wanted.map(idKey));
    try {
      const chunks = this.open(frame);
      let sound = true;
      for (const chunk of chunks) {
        if (asked.has(idKey(chunk.id)) && !fetched.has(chunk.id)) sound = this.deliver(chunk.id, chunk, frame.kind, fetched) && sound;
      }
      if (sound) this.opened[frame.kind].add(chunks, frame.kind);
      return sound;
    } catch (error) {
      if (isHoldfastError(error, 'Integrity')) return false;
      throw error;
    }
  }

  private open(frame: IncomingFrame): OpenedChunk[] {
    const { vaultId, transportKey } = this.keys;
    const kind = kinds[frame.kind];
    const entry = decodeFrameEntry(frame.entry, kind);
    const place = { vaultId, domainId: frame.domainId };
    const key = openReleasedKey(transportKey, place, entry, frame.sealedKey);
    return splitFrame(entry, openFrame(key, { ...place, kind }, entry, frame.stored));
  }

  private deliver(id: Buffer, chunk: OpenedChunk, kind: IncomingFrame['kind'], fetched: FetchedChunks): boolean {
    try {
      verifyChunk(this.hasher, kinds[kind], id, chunk.edges, chunk.plaintext);
      fetched.set(id, chunk);
      return true;
    } catch (error) {
      if (isHoldfastError(error, 'Integrity')) return false;
      throw error;
    }
  }
}

const kinds = { DATA: PackKind.PACK_KIND_DATA, NODE: PackKind.PACK_KIND_NODE } as const;

/** An Integrity failure of the engine as damage; anything else as it is. */
export function asDamage(error: unknown): unknown {
  return isHoldfastError(error, 'Integrity') ? new DamageError(error.message) : error;
}
