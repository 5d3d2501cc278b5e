import type { Socket } from 'node:net';
import type { Bottleneck } from './bottleneck.js';
import { Flow } from './flow.js';

export interface Delivered {
  up: number;
  down: number;
}

interface Ports {
  readonly up: Bottleneck;
  readonly down: Bottleneck;
  /** Bytes that this connection carries, both ways together, before it is lost. */
  readonly life: number;
  readonly onDelivered: (way: keyof Delivered, bytes: number) => void;
  readonly onGone: (how: 'closed' | 'lost') => void;
}

/** One connection through the link: near is who connected, far is the server. */
export class LinkConnection {
  readonly delivered: Delivered = { up: 0, down: 0 };
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #ports: Ports;
  readonly #flows: readonly Flow[];
  #state: 'open' | 'frozen' | 'gone' = 'open';

  constructor(near: Socket, far: Socket, ports: Ports) {
    this.#near = near;
    this.#far = far;
    this.#ports = ports;
    this.#flows = [
      new Flow(near, far, ports.up, (bytes) => this.#pass('up', bytes)),
      new Flow(far, near, ports.down, (bytes) => this.#pass('down', bytes)),
    ];
    this.#watch(near, far, ports.up);
    this.#watch(far, near, ports.down);
  }

  /** Both ends learn at once that the connection is lost, as by a reset. What is under way is lost. */
  cut(): void {
    this.#end('lost');
  }

  /** Half open: nothing passes any more, nothing is acknowledged, and neither end is told, not even when the other closes. */
  freeze(): void {
    if (this.#state !== 'open') return;
    this.#state = 'frozen';
    for (const flow of this.#flows) flow.stop();
  }

  #pass(way: keyof Delivered, bytes: Buffer): Buffer {
    const left = this.#ports.life - this.delivered.up - this.delivered.down;
    const passed = bytes.length < left ? bytes : bytes.subarray(0, Math.max(0, left));
    this.delivered[way] += passed.length;
    this.#ports.onDelivered(way, passed.length);
    if (passed.length < bytes.length || left === bytes.length) setImmediate(() => this.cut());
    return passed;
  }

  #watch(socket: Socket, other: Socket, towardsOther: Bottleneck): void {
    socket.setNoDelay(true);
    // Whatever the error is, `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#state === 'frozen') return;
      const orderly = socket.readableEnded && socket.writableFinished;
      if (!orderly) towardsOther.afterAllSent(() => other.resetAndDestroy());
      if (other.destroyed) this.#end('closed');
    });
  }

  #end(how: 'closed' | 'lost'): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    for (const flow of this.#flows) flow.stop();
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
    this.#ports.onGone(how);
  }
}
