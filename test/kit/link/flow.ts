import type { Socket } from 'node:net';
import type { Bottleneck, Sender } from './bottleneck.js';

/** One direction of one connection through the link. */
export class Flow implements Sender {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #bottleneck: Bottleneck;
  readonly #pass: (bytes: Buffer) => Buffer;
  #stopped = false;
  /** Taken, and not yet taken over by the socket at the far end. */
  #underWay = 0;

  /** `pass` is asked as bytes come out of the link, and says how many of them still do. */
  constructor(from: Socket, to: Socket, bottleneck: Bottleneck, pass: (bytes: Buffer) => Buffer) {
    this.#from = from;
    this.#to = to;
    this.#bottleneck = bottleneck;
    this.#pass = pass;
    from.on('readable', () => this.#bottleneck.wake(this));
    from.on('end', () => this.#bottleneck.afterAllSent(() => this.#stopped || to.end()));
  }

  /** Nothing is taken or delivered any more, and nobody is told. */
  stop(): void {
    this.#stopped = true;
  }

  take(most: number): Buffer | undefined {
    // A receiver that does not read holds up its own sender, once a window's worth lies before it.
    const room = this.#bottleneck.room - this.#underWay;
    const length = Math.min(most, this.#from.readableLength, room);
    if (this.#stopped || length <= 0) return undefined;
    const bytes = this.#from.read(length) as Buffer | null;
    if (bytes === null) return undefined;
    this.#underWay += bytes.length;
    return bytes;
  }

  arrived(bytes: Buffer): void {
    if (this.#stopped) return;
    const passed = this.#pass(bytes);
    if (passed.length === 0 || this.#to.destroyed) return;
    this.#to.write(passed, () => {
      this.#underWay -= bytes.length;
      this.#bottleneck.wake(this);
    });
  }
}
