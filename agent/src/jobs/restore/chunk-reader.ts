import type { OpenedChunk, ParsedNode } from '@holdfast/core/engine';
import {
  ChunkHasher,
  decodeFrameEntry,
  frameDigest,
  openFrame,
  openReleasedKey,
  PackKind,
  parseNode,
  splitFrame,
  verifyChunk,
} from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import { hostCodec } from '../../platform/native-codec.js';
import type { IncomingFrame, ReadSession } from '../data-transport.js';
import { idKey, splitIds } from '../ids.js';
import type { RestoreCommand } from '../job.js';
import { DamageError } from './damage.js';
import { OpenedFrames } from './opened-frames.js';

const MIB = 1024 * 1024;
const CHUNKS_PER_READ = 1_024;
/** Copies of one chunk that are tried. */
const MOST_TRIES = 8;

interface Question {
  readonly ids: readonly Buffer[];
  /** Packs whose copies turned out damaged. */
  readonly avoid: readonly Buffer[];
}

type Keys = Pick<RestoreCommand, 'vaultId' | 'idKey' | 'transportKey'>;

/** What became of a chunk that was asked for: its verified content, or why there is none. */
export interface ChunkResult {
  readonly id: Buffer;
  readonly result: OpenedChunk | DamageError;
}

/** The results of one question. */
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
  private readonly opened = { DATA: new OpenedFrames(12 * MIB), NODE: new OpenedFrames(8 * MIB) };

  constructor(
    private readonly session: Pick<ReadSession, 'readChunks'>,
    private readonly keys: Keys,
    private readonly signal: AbortSignal,
  ) {
    this.hasher = new ChunkHasher(keys.idKey);
  }

  /** Never fails for damage; throws what ends the job. */
  async fetch(ids: readonly Buffer[]): Promise<FetchedChunks> {
    const fetched = new FetchedChunks();
    for await (const { id, result } of this.results(ids)) fetched.set(id, result);
    return fetched;
  }

  /** Has these at hand, or the last of them: no more is kept than there is room for. Throws what ends the job. */
  async warm(ids: readonly Buffer[]): Promise<void> {
    for await (const _result of this.results(ids));
  }

  /** What becomes of each chunk, once, in the order in which they come: no more of them is held than one frame has. As `fetch` otherwise. */
  async *results(ids: readonly Buffer[]): AsyncGenerator<ChunkResult, void, void> {
    const wanted = new Map(ids.map((id) => [idKey(id), id]));
    for (const [key, id] of wanted) {
      const cached = this.opened.DATA.find(id) ?? this.opened.NODE.find(id);
      // A kept frame was checked for what was asked of it then, and may be bad in other places.
      if (cached === undefined || !this.isSound(id, cached.chunk, cached.kind)) continue;
      wanted.delete(key);
      yield { id, result: cached.chunk };
    }
    const all = [...wanted.values()];
    for (let from = 0; from < all.length; from += CHUNKS_PER_READ)
      yield* this.fromVault(all.slice(from, from + CHUNKS_PER_READ));
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

  private async *fromVault(ids: readonly Buffer[]): AsyncGenerator<ChunkResult, void, void> {
    let questions: readonly Question[] = [{ ids, avoid: [] }];
    for (let attempt = 0; questions.length > 0 && attempt < MOST_TRIES; attempt++) {
      const again: Question[] = [];
      for (const question of questions) yield* this.ask(question, again);
      questions = again;
    }
    for (const id of questions.flatMap((question) => question.ids))
      yield { id, result: new DamageError('no copy of it is intact') };
  }

  /** Adds to `again` what has to be asked anew: for each frame that failed, its chunks without the pack that it came from. */
  private async *ask({ ids, avoid }: Question, again: Question[]): AsyncGenerator<ChunkResult, void, void> {
    const asked = new Map(ids.map((id) => [idKey(id), id]));
    for await (const answer of this.session.readChunks(ids, avoid, this.signal)) {
      if (answer.kind === 'damaged') {
        const damage = new DamageError(answer.reason || 'no readable copy is left');
        for (const id of answer.ids) if (asked.delete(idKey(id))) yield { id: Buffer.from(id), result: damage };
        continue;
      }
      const failed: Buffer[] = [];
      yield* this.openInto(answer.frame, asked, failed);
      if (failed.length > 0) again.push({ ids: failed, avoid: [...avoid, answer.frame.packId] });
    }
    for (const id of asked.values()) yield { id, result: new DamageError('the gateway did not deliver it') };
  }

  /** What was asked for of the frame, which goes off the list; what is not what it should be goes to `failed`. */
  private *openInto(frame: IncomingFrame, asked: Map<string, Buffer>, failed: Buffer[]): Generator<ChunkResult> {
    const { chunks, named } = this.open(frame);
    let hasOthers = false;
    for (const [index, id] of named.entries()) {
      if (!asked.delete(idKey(id))) {
        hasOthers = true;
        continue;
      }
      const chunk = chunks?.[index];
      if (chunk === undefined || !this.isSound(id, chunk, frame.kind)) failed.push(id);
      else yield { id, result: chunk };
    }
    // Nodes are walked more than once; data that was asked for in full is seldom asked for again, and what is kept outlives the cheap collections.
    const isKept = hasOthers || frame.kind === 'NODE';
    if (isKept && chunks !== undefined && failed.length === 0) this.opened[frame.kind].add(chunks, frame.kind);
  }

  /** The chunks that the frame says it has, and their content unless it cannot be opened. */
  private open(frame: IncomingFrame): {
    readonly named: readonly Buffer[];
    readonly chunks: readonly OpenedChunk[] | undefined;
  } {
    const { vaultId, transportKey } = this.keys;
    const kind = kinds[frame.kind];
    const entry = decodeFrameEntry(frame.entry, kind);
    const named = splitIds(entry.chunkIds);
    const place = { vaultId, domainId: frame.domainId };
    const key = openReleasedKey(transportKey, place, frameDigest(entry), frame.sealedKey);
    try {
      return { named, chunks: splitFrame(entry, openFrame(key, { ...place, kind }, entry, frame.stored, hostCodec())) };
    } catch (error) {
      if (isHoldfastError(error, 'Integrity')) return { named, chunks: undefined };
      throw error;
    }
  }

  private isSound(id: Buffer, chunk: OpenedChunk, kind: IncomingFrame['kind']): boolean {
    try {
      verifyChunk(this.hasher, kinds[kind], id, chunk.edges, chunk.plaintext);
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
