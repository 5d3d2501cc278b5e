import type { FrameEntry, OpenedChunk, ParsedNode } from '@holdfast/core/engine';
import { decodeFrameEntry, parseNode, splitFrame } from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import type { IncomingFrame, ReadSession } from '../data-transport.js';
import { idKey, splitIds } from '../ids.js';
import { PACK_KINDS } from '../pack-kinds.js';
import { DamageError } from './damage.js';
import { type FrameKeys, type FrameOpener, FrameOpening, type OpenedFrame } from './frame-opener.js';
import { OpenedFrames } from './opened-frames.js';

const MIB = 1024 * 1024;
const CHUNKS_PER_READ = 1_024;
/** Copies of one chunk that are tried. */
const MOST_TRIES = 8;
/** Of one question, being opened elsewhere or waiting for their turn. */
const FRAMES_AHEAD = 3;

interface Question {
  readonly ids: readonly Buffer[];
  /** Packs whose copies turned out damaged. */
  readonly avoid: readonly Buffer[];
}

/** A frame that is opened when its turn comes, or is being opened elsewhere; and what was asked for of it. */
interface Arrived {
  readonly frame: IncomingFrame;
  readonly entry: FrameEntry;
  readonly wanted: ReadonlyMap<number, Buffer>;
  readonly opening: Promise<OpenedFrame> | undefined;
}

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
  private readonly opened = { DATA: new OpenedFrames(12 * MIB), NODE: new OpenedFrames(8 * MIB) };
  private readonly here: FrameOpening;

  /** @param opener for data, of which there is much */
  constructor(
    private readonly session: Pick<ReadSession, 'readChunks'>,
    keys: FrameKeys,
    private readonly signal: AbortSignal,
    private readonly opener?: FrameOpener,
  ) {
    this.here = new FrameOpening(keys);
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

  /** What becomes of each chunk, once, in the order in which they come: no more of them is held than a few frames have. As `fetch` otherwise. */
  async *results(ids: readonly Buffer[]): AsyncGenerator<ChunkResult, void, void> {
    const wanted = new Map(ids.map((id) => [idKey(id), id]));
    for (const [key, id] of wanted) {
      const cached = this.opened.DATA.find(id) ?? this.opened.NODE.find(id);
      // A kept frame was checked for what was asked of it then, and may be bad in other places.
      if (cached === undefined || !this.here.isSound(cached.kind, cached.chunk)) continue;
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
    const ahead: Arrived[] = [];
    const next = async (): Promise<readonly ChunkResult[]> => {
      const arrived = ahead.shift() as Arrived;
      const { frame, entry, wanted, opening } = arrived;
      const opened = opening ? await opening : this.here.open(frame, entry, [...wanted.keys()]);
      const { found, failed } = this.take(arrived, opened);
      if (failed.length > 0) again.push({ ids: failed, avoid: [...avoid, frame.packId] });
      return found;
    };
    for await (const answer of this.session.readChunks(ids, avoid, this.signal)) {
      if (answer.kind === 'damaged') {
        const damage = new DamageError(answer.reason || 'no readable copy is left');
        for (const id of answer.ids) if (asked.delete(idKey(id))) yield { id: Buffer.from(id), result: damage };
        continue;
      }
      ahead.push(this.begin(answer.frame, asked));
      // What nobody else opens is used up at once, while it is in this core's cache.
      while (ahead.length >= FRAMES_AHEAD || (ahead.length > 0 && ahead[0]?.opening === undefined)) yield* await next();
    }
    while (ahead.length > 0) yield* await next();
    for (const id of asked.values()) yield { id, result: new DamageError('the gateway did not deliver it') };
  }

  /** What was asked for of the frame goes off the list. */
  private begin(frame: IncomingFrame, asked: Map<string, Buffer>): Arrived {
    const entry = decodeFrameEntry(frame.entry, PACK_KINDS[frame.kind]);
    const wanted = new Map<number, Buffer>();
    for (const [place, id] of splitIds(entry.chunkIds).entries()) if (asked.delete(idKey(id))) wanted.set(place, id);
    const opening = frame.kind === 'DATA' ? this.opener?.open(frame, entry, [...wanted.keys()]) : undefined;
    // Its failure is met where it is awaited, which may be later, or never.
    opening?.catch(() => undefined);
    return { frame, entry, wanted, opening };
  }

  private take(
    { frame, entry, wanted }: Arrived,
    { plaintext, unsound }: OpenedFrame,
  ): { readonly found: readonly ChunkResult[]; readonly failed: readonly Buffer[] } {
    if (plaintext === undefined) return { found: [], failed: [...wanted.values()] };
    const bad = new Set(unsound);
    const chunks = splitFrame(entry, plaintext);
    const found: ChunkResult[] = [];
    const failed: Buffer[] = [];
    for (const [place, id] of wanted) {
      const chunk = chunks[place];
      if (chunk === undefined || bad.has(place)) failed.push(id);
      else found.push({ id, result: chunk });
    }
    // Nodes are walked more than once; data that was asked for in full is seldom asked for again, and what is kept outlives the cheap collections.
    const isKept = wanted.size < chunks.length || frame.kind === 'NODE';
    if (isKept && failed.length === 0) this.opened[frame.kind].add(chunks, frame.kind);
    return { found, failed };
  }
}

/** An Integrity failure of the engine as damage; anything else as it is. */
export function asDamage(error: unknown): unknown {
  return isHoldfastError(error, 'Integrity') ? new DamageError(error.message) : error;
}
