import type { Timers } from '@holdfast/core/clock';
import type { BuiltNode, ChunkHasher, ChunkName } from '@holdfast/core/engine';
import { idOfClaim } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { DataSession, PackKindName } from '../data-transport.js';
import { idKey } from '../ids.js';
import type { Counters } from '../job.js';
import { BackPressure } from './back-pressure.js';
import { ClaimSet } from './claim-set.js';
import type { PipelineStop } from './pipeline-stop.js';
import type { SealingPipeline } from './sealing-pipeline.js';

const CLAIMS_PER_QUESTION = 1_000;
const BYTES_PER_QUESTION = 8 * 1024 * 1024;
const LONGEST_WAIT_MS = 50;
const QUESTIONS_AT_ONCE = 4;
const MOST_BYTES_HELD = 32 * 1024 * 1024;

export interface IntakePorts {
  readonly session: DataSession;
  readonly hasher: ChunkHasher;
  readonly sealing: SealingPipeline;
  readonly timers: Timers;
  readonly counters: Counters;
  readonly stop: PipelineStop;
}

interface Asked {
  readonly claim: Buffer;
  /** Absent for a claim out of the cache. */
  readonly content?: {
    readonly kind: PackKindName;
    readonly id: Buffer;
    readonly plaintext: Buffer;
    readonly edges?: Buffer;
  };
}

/**
 * Where chunks enter: each is named at once, so that nodes above it can be built, asked about in batches, and sealed only if the
 * vault does not have it. Holds a bounded amount of plaintext: who adds waits while there is too much.
 */
export class ChunkIntake {
  /** Every claim of the session that was asked about, and so may be referred to. */
  private readonly claims = new ClaimSet();
  private readonly pressure = new BackPressure();
  private waiting: Asked[] = [];
  private waitingBytes = 0;
  private heldBytes = 0;
  private questions = 0;
  private cancelTimer: () => void = () => undefined;
  private generation: number;
  /** Ids that the vault lacks and whose content was not at hand. */
  private readonly absent = new Set<string>();

  constructor(private readonly ports: IntakePorts) {
    this.generation = ports.session.generation;
    ports.stop.onStop(() => {
      this.cancelTimer();
      this.pressure.changed();
    });
  }

  /** The buffer belongs to the intake from now on. */
  async data(plaintext: Buffer): Promise<ChunkName> {
    const name = this.ports.hasher.nameData(plaintext);
    if (this.isNew(name.claim, () => name.id))
      this.enqueue({ claim: name.claim, content: { kind: 'DATA', id: name.id, plaintext } }, plaintext.length);
    await this.room();
    return name;
  }

  /** Nodes are made in the middle of synchronous work: who adds many asks for `room` afterwards. */
  node({ id, claim, edges, plaintext }: BuiltNode): void {
    if (this.isNew(claim, () => id))
      this.enqueue({ claim, content: { kind: 'NODE', id, plaintext, edges } }, plaintext.length + edges.length);
  }

  /** Content that an earlier backup sent, known by its claim alone. */
  async claimed(claim: Buffer): Promise<void> {
    if (this.isNew(claim, () => idOfClaim(claim))) this.enqueue({ claim: Buffer.from(claim) }, 0);
    await this.room();
  }

  /**
   * Everything added so far is in the vault, or among the returned ids. Ids that were said to be absent before and came again since are no
   * longer among them.
   */
  async drain(): Promise<ReadonlySet<string>> {
    await this.settleQuestions();
    await this.ports.sealing.finish();
    while (this.generation !== this.ports.session.generation) {
      this.generation = this.ports.session.generation;
      await this.askAgain();
    }
    return this.absent;
  }

  /** Whether the vault was found to lack this one, and it did not come again since. */
  lacks(id: Buffer): boolean {
    return this.absent.size > 0 && this.absent.has(idKey(id));
  }

  /** The vault said at the commit that it lacks these: the next time they come they count as new. */
  expect(missing: Iterable<Buffer>): void {
    for (const id of missing) this.absent.add(idKey(id));
  }

  private isNew(claim: Buffer, id: () => Buffer): boolean {
    if (this.claims.add(claim)) return true;
    return this.absent.size > 0 && this.absent.delete(idKey(id()));
  }

  private enqueue(asked: Asked, bytes: number): void {
    this.waiting.push(asked);
    this.waitingBytes += bytes;
    this.heldBytes += bytes;
    const most = Math.min(CLAIMS_PER_QUESTION, this.ports.session.limits.maxClaimsPerQuestion);
    if (this.waiting.length >= most || this.waitingBytes >= BYTES_PER_QUESTION) this.ask();
    else if (this.waiting.length === 1) this.cancelTimer = this.ports.timers.after(LONGEST_WAIT_MS, () => this.ask());
  }

  private ask(): void {
    this.cancelTimer();
    if (this.waiting.length === 0 || this.ports.stop.stopped) return;
    const batch = this.waiting;
    const bytes = this.waitingBytes;
    this.waiting = [];
    this.waitingBytes = 0;
    this.questions += 1;
    this.answer(batch)
      .catch((error: unknown) => this.ports.stop.fail(error))
      .finally(() => {
        this.questions -= 1;
        this.heldBytes -= bytes;
        this.pressure.changed();
      });
  }

  private async answer(batch: readonly Asked[]): Promise<void> {
    const present = await this.question(Buffer.concat(batch.map(({ claim }) => claim)));
    for (const [index, { claim, content }] of batch.entries()) {
      if (present(index)) continue;
      if (content === undefined) {
        this.absent.add(idKey(idOfClaim(claim)));
        continue;
      }
      if (content.kind === 'DATA') this.ports.counters.bytesChanged += content.plaintext.length;
      await this.ports.sealing.add(content);
    }
  }

  private async question(claims: Buffer): Promise<(index: number) => boolean> {
    const bits = await this.ports.session.hasChunks(claims, this.ports.stop.signal);
    if (bits.length < Math.ceil(claims.length / 32 / 8)) {
      throw new HoldfastError({
        kind: 'Internal',
        code: 'ANSWER_TOO_SHORT',
        message: 'The gateway answered for fewer chunks than it was asked about.',
      });
    }
    return (index) => (((bits[index >> 3] as number) >> (index & 7)) & 1) === 1;
  }

  async room(): Promise<void> {
    const { stop } = this.ports;
    if (this.questions >= QUESTIONS_AT_ONCE || this.heldBytes >= MOST_BYTES_HELD || stop.stopped) {
      await this.pressure.until(
        () => (this.questions < QUESTIONS_AT_ONCE && this.heldBytes < MOST_BYTES_HELD) || stop.stopped,
      );
      stop.check();
    }
  }

  private async settleQuestions(): Promise<void> {
    const { stop } = this.ports;
    this.ask();
    await this.pressure.until(() => this.questions === 0 || stop.stopped);
    stop.check();
  }

  /** A new session of the gateway knows nothing of what the one before had answered and taken. */
  private async askAgain(): Promise<void> {
    const most = Math.min(CLAIMS_PER_QUESTION, this.ports.session.limits.maxClaimsPerQuestion);
    for (let from = 0; from < this.claims.size; from += most) {
      const claims = this.claims.slice(from, most);
      const present = await this.question(claims);
      for (let index = 0; index < claims.length / 32; index++) {
        if (!present(index)) this.absent.add(idKey(idOfClaim(claims.subarray(index * 32, index * 32 + 32))));
      }
    }
  }
}
