import type { OpenedChunk, ParsedNode } from '@holdfast/core/engine';
import { parseNode } from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import type { IncomingFrame, ReadSession } from '../data-transport.js';
import { idKey } from '../ids.js';
import { DamageError } from './damage.js';
import { OpenedFrames } from './opened-frames.js';
import type { FrameOpener, NamedChunk } from './openers/frame-opener.js';

const MIB = 1024 * 1024;
const CHUNKS_PER_READ = 1_024;
/** Copies of one chunk that are tried. */
const MOST_TRIES = 8;
/** Frames of one read that are being opened. */
const FRAMES_OPENING = 4;

interface Question {
  readonly ids: readonly Buffer[];
  /** Packs whose copies turned out damaged. */
  readonly avoid: readonly Buffer[];
}

/** What became of a chunk that was asked for: its verified content, or why there is none. */
export interface ChunkResult {
  /** Of its id. */
  readonly key: string;
  readonly result: OpenedChunk | DamageError;
}

/** The results of one question. */
export class FetchedChunks {
  private readonly found = new Map<string, OpenedChunk | DamageError>();

  set({ key, result }: ChunkResult): void {
    this.found.set(key, result);
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

  constructor(
    private readonly session: Pick<ReadSession, 'readChunks'>,
    private readonly opener: FrameOpener,
    private readonly signal: AbortSignal,
  ) {}

  /** Never fails for damage; throws what ends the job. */
  async fetch(ids: readonly Buffer[]): Promise<FetchedChunks> {
    const fetched = new FetchedChunks();
    for await (const results of this.results(ids)) for (const each of results) fetched.set(each);
    return fetched;
  }

  /** Has these at hand, or the last of them: no more is kept than there is room for. Throws what ends the job. */
  async warm(ids: readonly Buffer[]): Promise<void> {
    for await (const _results of this.results(ids));
  }

  /** What becomes of each chunk, once, in the order in which they come: of a few frames at a time. As `fetch` otherwise. */
  async *results(ids: readonly Buffer[]): AsyncGenerator<readonly ChunkResult[], void, void> {
    const wanted = new Map(ids.map((id) => [idKey(id), id]));
    const known: ChunkResult[] = [];
    for (const key of wanted.keys()) {
      const result = this.opened.DATA.find(key) ?? this.opened.NODE.find(key);
      if (result === undefined) continue;
      wanted.delete(key);
      known.push({ key, result });
    }
    if (known.length > 0) yield known;
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

  private async *fromVault(ids: readonly Buffer[]): AsyncGenerator<readonly ChunkResult[], void, void> {
    let questions: readonly Question[] = [{ ids, avoid: [] }];
    for (let attempt = 0; questions.length > 0 && attempt < MOST_TRIES; attempt++) {
      const again: Question[] = [];
      for (const question of questions) yield* this.ask(question, again);
      questions = again;
    }
    const lost = questions.flatMap((question) => question.ids);
    if (lost.length > 0) yield damaged(lost.map(idKey), 'no copy of it is intact');
  }

  /** Adds to `again` what has to be asked anew: for each frame that failed, its chunks without the pack that it came from. */
  private async *ask({ ids, avoid }: Question, again: Question[]): AsyncGenerator<readonly ChunkResult[], void, void> {
    const asked = new Map(ids.map((id) => [idKey(id), id]));
    const opening: { readonly frame: IncomingFrame; readonly chunks: Promise<readonly NamedChunk[]> }[] = [];
    const next = async (): Promise<readonly ChunkResult[]> => {
      const { frame, chunks } = opening.shift() as (typeof opening)[number];
      const { results, failed } = this.take(frame, await chunks, asked);
      if (failed.length > 0) again.push({ ids: failed, avoid: [...avoid, frame.packId] });
      return results;
    };
    for await (const answer of this.session.readChunks(ids, avoid, this.signal)) {
      if (answer.kind === 'damaged') {
        const lost = answer.ids.map(idKey).filter((key) => asked.delete(key));
        yield damaged(lost, answer.reason || 'no readable copy is left');
        continue;
      }
      const chunks = this.opener.open(answer.frame);
      // Whoever takes the frame meets the failure; until then it is nobody's.
      chunks.catch(() => undefined);
      opening.push({ frame: answer.frame, chunks });
      if (opening.length >= FRAMES_OPENING) yield await next();
    }
    while (opening.length > 0) yield await next();
    if (asked.size > 0) yield damaged([...asked.keys()], 'the gateway did not deliver it');
  }

  /** What was asked for of a frame, which goes off the list, and what of it is not what it should be. */
  private take(
    { kind }: IncomingFrame,
    named: readonly NamedChunk[],
    asked: Map<string, Buffer>,
  ): { readonly results: readonly ChunkResult[]; readonly failed: readonly Buffer[] } {
    const results: ChunkResult[] = [];
    const failed: Buffer[] = [];
    for (const { id, chunk } of named) {
      const key = idKey(id);
      if (!asked.delete(key)) continue;
      if (chunk === undefined) failed.push(id);
      else results.push({ key, result: chunk });
    }
    // What was asked for in full is seldom asked for again, and what is kept outlives the cheap collections.
    if (results.length + failed.length < named.length)
      this.opened[kind].add(named.flatMap(({ chunk }) => (chunk ? [chunk] : [])));
    return { results, failed };
  }
}

function damaged(keys: readonly string[], reason: string): readonly ChunkResult[] {
  const result = new DamageError(reason);
  return keys.map((key) => ({ key, result }));
}

/** An Integrity failure of the engine as damage; anything else as it is. */
export function asDamage(error: unknown): unknown {
  return isHoldfastError(error, 'Integrity') ? new DamageError(error.message) : error;
}
