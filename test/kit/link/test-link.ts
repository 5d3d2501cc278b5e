/**
 * The line between a site and its server, in user space: what an agent connects to instead of the server itself.
 *
 * Model. All connections through one link share one queue and one transmitter each way (`Bottleneck`), as all traffic of a host
 * shares its uplink: FIFO, no priorities, so a control message stands behind the bulk data that was queued before it. Senders take
 * turns to fill the queue, which holds no more than `queueMs` of the link's rate. The delay is constant, nothing is reordered, and
 * nothing is lost but whole connections. Not modelled: slow start, and the round trip of the TCP handshake itself.
 *
 * Before the link a connection has the kernel's buffer at the sender and a few milliseconds' worth at the link's edge; behind it, the
 * receiver's.
 */
import type { AddressInfo, Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { Bottleneck, type LinkShape } from './bottleneck.js';
import { type Delivered, LinkConnection } from './link-connection.js';
import { openListeningSocket } from './listening-socket.js';

const HOST = '127.0.0.1';

export class TestLink {
  readonly #up: Bottleneck;
  readonly #down: Bottleneck;
  readonly #doors: Door[] = [];

  constructor(shape: LinkShape) {
    this.#up = new Bottleneck(shape);
    this.#down = new Bottleneck(shape);
  }

  /** Opens a port of loopback that leads over the link; where to, is said later. */
  async open(): Promise<Door> {
    const door = new Door(this.#up, this.#down);
    this.#doors.push(door);
    await door.listen();
    return door;
  }

  close(): void {
    for (const door of this.#doors) door.close();
    this.#up.stop();
    this.#down.stop();
  }
}

/** One port on the near side of the link, and all connections made through it. */
export class Door {
  /** Of all connections so far: bytes that came out at the far (`up`) and at the near (`down`) end. */
  readonly delivered: Delivered = { up: 0, down: 0 };
  /** Connections made, and those of them that were cut or whose life was over. */
  made = 0;
  lost = 0;
  /** While true, new connections are half open from the start: the line is dead. */
  dead = false;
  /** How many bytes, both ways together, the next connection carries before it is lost. */
  lifeOfNext: () => number = () => Infinity;
  readonly #up: Bottleneck;
  readonly #down: Bottleneck;
  readonly #server: Server = createServer({ allowHalfOpen: true });
  readonly #connections = new Set<LinkConnection>();
  #port: number | undefined;

  constructor(up: Bottleneck, down: Bottleneck) {
    this.#up = up;
    this.#down = down;
    this.#server.on('connection', (near) => {
      if (this.#port === undefined) return void near.resetAndDestroy();
      const far = connect({ host: HOST, port: this.#port, allowHalfOpen: true });
      this.made += 1;
      const connection: LinkConnection = new LinkConnection(near, far, {
        up: this.#up,
        down: this.#down,
        life: this.lifeOfNext(),
        onDelivered: (way, bytes) => {
          this.delivered[way] += bytes;
        },
        onGone: (how) => {
          if (how === 'lost') this.lost += 1;
          this.#connections.delete(connection);
        },
      });
      this.#connections.add(connection);
      if (this.dead) connection.freeze();
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ fd: openListeningSocket(this.#up.edge) }, resolve);
    });
  }

  /** host:port */
  get address(): string {
    return `${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on connections are made to this port of loopback, given as host:port. */
  leadTo(address: string): void {
    this.#port = Number(address.slice(address.lastIndexOf(':') + 1));
  }

  get connections(): readonly LinkConnection[] {
    return [...this.#connections];
  }

  cut(): void {
    for (const connection of this.connections) connection.cut();
  }

  freeze(): void {
    for (const connection of this.connections) connection.freeze();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}
