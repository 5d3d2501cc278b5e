import type { Timers } from '@holdfast/core/clock';
import type { BuiltNode } from '@holdfast/core/engine';
import { idOfClaim } from '@holdfast/core/engine';
import { BackPressure } from './back-pressure.js';
import { type Existence, isSet } from './existence.js';
import type { PackSealer } from './pack-sealer.js';
import type { PipelineStop } from './pipeline-stop.js';

const CLAIMS_PER_QUESTION = 1_000;
const BYTES_PER_QUESTION = 8 * 1024 * 1024;
const LONGEST_WAIT_MS = 50;
const QUESTIONS_AT_ONCE = 4;
const MOST_BYTES_HELD = 32 * 1024 * 1024;

export interface NodeIntakePorts {
  readonly existence: Existence;
  readonly sealer: Pick<PackSealer, 'add' | 'finish'>;
  readonly timers: Timers;
  readonly stop: PipelineStop;
}

interface Asked {
  readonly claim: Buffer;
  /** Absent for a claim out of the cache. */
  readonly node?: BuiltNode;
}

/**
 * Where nodes enter, and claims of content that an earlier backup sent: asked about in batches, and sealed only if the vault does not
 * have them. Holds a bounded amount: who adds waits while there is too much.
 */
export class NodeIntake {
  private readonly pressure = new BackPressure();
  private waiting: Asked[] = [];
  private waitingBytes = 0;
  private heldBytes = 0;
  private questions = 0;
  private cancelTimer: () => void = () => undefined;

  constructor(private readonly ports: NodeIntakePorts) {
    ports.stop.onStop(() => {
      this.cancelTimer();
      this.pressure.changed();
    });
  }

  /** Nodes are made in the middle of synchronous work: who adds many asks for `room` afterwards. */
  node(node: BuiltNode): void {
    this.enqueue({ claim: node.claim, node }, node.plaintext.length + node.edges.length);
  }

  /** Content that an earlier backup sent, known by its claim alone. */
  async claimed(claim: Buffer): Promise<void> {
    this.enqueue({ claim }, 0);
    await this.room();
  }

  async room(): Promise<void> {
    const { stop } = this.ports;
    const hasRoom = (): boolean => this.questions < QUESTIONS_AT_ONCE && this.heldBytes < MOST_BYTES_HELD;
    if (!hasRoom() || stop.stopped) {
      await this.pressure.until(() => hasRoom() || stop.stopped);
      stop.check();
    }
  }

  /** Everything added so far is in the vault, or on its way. */
  async finish(): Promise<void> {
    const { stop, sealer } = this.ports;
    this.ask();
    await this.pressure.until(() => this.questions === 0 || stop.stopped);
    stop.check();
    await sealer.finish();
  }

  private enqueue(asked: Asked, bytes: number): void {
    this.waiting.push(asked);
    this.waitingBytes += bytes;
    this.heldBytes += bytes;
    if (this.waiting.length >= CLAIMS_PER_QUESTION || this.waitingBytes >= BYTES_PER_QUESTION) this.ask();
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
    const { existence, sealer } = this.ports;
    const present = await existence.present(Buffer.concat(batch.map(({ claim }) => claim)));
    for (const [index, { claim, node }] of batch.entries()) {
      if (isSet(present, index)) continue;
      if (node === undefined) existence.missing(idOfClaim(claim));
      else await sealer.add(node);
    }
  }
}
