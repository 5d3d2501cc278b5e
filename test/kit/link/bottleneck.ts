import { DelayLine } from './delay-line.js';

export interface LinkShape {
  /** Each way. */
  readonly bytesPerSecond: number;
  /** Each way. */
  readonly delayMs: number;
  /** What the queue in front of the link holds, in milliseconds of its rate. */
  readonly queueMs: number;
}

/** One direction of one connection, as the bottleneck sees it. */
export interface Sender {
  /** Up to `most` bytes that it wants to send now; undefined if it has none, or may have no more under way. */
  take(most: number): Buffer | undefined;
  /** The bytes come out at the far end. */
  arrived(bytes: Buffer): void;
}

const SEGMENT_BYTES = 16 * 1024;
/** A process that was held up may catch up on so much: a timer is late by a few milliseconds, a link is not. */
const BURST_MS = 20;

/**
 * One direction of a link that several connections share: a FIFO queue, a transmitter of a fixed rate, and a line on which
 * everything takes the same time. The transmitter is a token bucket, run as a virtual clock.
 *
 * Nothing is dropped, so what a sender's congestion control would find out by losses is enforced here: together, the connections
 * have at most the bandwidth-delay product and the queue under way, counted until an acknowledgement could be back. Whoever
 * waits for room is served in turns. So a byte that is taken waits for at most the queue, as on a link that is full.
 */
export class Bottleneck {
  readonly #shape: LinkShape;
  readonly #room: number;
  readonly #arrivals = new DelayLine();
  readonly #acknowledgements = new DelayLine();
  readonly #waiting = new Set<Sender>();
  #underWay = 0;
  #transmitterFreeAt = 0;

  constructor(shape: LinkShape) {
    this.#shape = shape;
    this.#room = Math.max(SEGMENT_BYTES, (shape.bytesPerSecond * (2 * shape.delayMs + shape.queueMs)) / 1000);
  }

  /** Bandwidth-delay product and queue. */
  get room(): number {
    return this.#room;
  }

  /** What may lie in front of the queue: enough to read in one go what passes in the time between two looks at it. */
  get edge(): number {
    return Math.min(256 * 1024, Math.max(16 * 1024, Math.ceil((this.#shape.bytesPerSecond * 5) / 1000)));
  }

  /** The sender has bytes, or room for more under way. */
  wake(sender: Sender): void {
    this.#waiting.add(sender);
    this.#pump();
  }

  /** Runs at the far end, behind all that was sent before. */
  afterAllSent(run: () => void): void {
    const leavesAt = Math.max(performance.now(), this.#transmitterFreeAt);
    this.#arrivals.add(leavesAt + this.#shape.delayMs, run);
  }

  stop(): void {
    this.#arrivals.stop();
    this.#acknowledgements.stop();
    this.#waiting.clear();
  }

  #pump(): void {
    for (const sender of this.#waiting) {
      if (this.#underWay >= this.#room) return;
      // In turns: whoever has more to send goes last.
      this.#waiting.delete(sender);
      const bytes = sender.take(SEGMENT_BYTES);
      if (bytes === undefined) continue;
      this.#waiting.add(sender);
      this.#send(sender, bytes);
    }
  }

  #send(sender: Sender, bytes: Buffer): void {
    const { bytesPerSecond, delayMs } = this.#shape;
    const now = performance.now();
    this.#transmitterFreeAt =
      Math.max(this.#transmitterFreeAt, now - BURST_MS) + (bytes.length / bytesPerSecond) * 1000;
    const arrivesAt = Math.max(now, this.#transmitterFreeAt) + delayMs;
    this.#underWay += bytes.length;
    this.#arrivals.add(arrivesAt, () => sender.arrived(bytes));
    this.#acknowledgements.add(arrivesAt + delayMs, () => {
      this.#underWay -= bytes.length;
      this.#pump();
    });
  }
}
