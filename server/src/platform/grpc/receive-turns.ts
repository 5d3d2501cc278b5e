import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** libuv reads 64 KiB or what there is: after one such read a connection has had its turn. */
const TURN_BYTES = 32 * 1024;

const CONNECTION = Symbol('what counts what came on a connection');

type WatchedSocket = TLSSocket & { [CONNECTION]?: Connection };

/** Of a connection that HTTP/2 has taken: Node has no other way to hold up what comes on it. */
interface Handle {
  readStart(): number;
  readStop(): number;
}

function handleOf(tcp: Socket): Handle | null {
  return (tcp as unknown as { readonly _handle: Handle | null })._handle;
}

/** One peer, whose connections have their turns in order. */
class Peer {
  connections = 0;
  private readonly held = new Set<Connection>();

  hold(connection: Connection): void {
    if (this.held.size === 0) setImmediate(() => this.nextRound());
    this.held.add(connection);
  }

  forget(connection: Connection): void {
    this.held.delete(connection);
  }

  private nextRound(): void {
    const [first] = this.held;
    if (first === undefined) return;
    this.held.delete(first);
    if (this.held.size > 0) setImmediate(() => this.nextRound());
    first.go();
  }
}

class Connection {
  private bytes = 0;

  constructor(
    private readonly tcp: Socket,
    private readonly peer: Peer,
  ) {}

  received(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes < TURN_BYTES) return;
    handleOf(this.tcp)?.readStop();
    this.peer.hold(this);
  }

  go(): void {
    this.bytes = 0;
    handleOf(this.tcp)?.readStart();
  }
}

/**
 * Of each peer some 64 KiB are received in a round of the event loop, of one of its connections after the other. libuv reads up to 2 MiB of a connection
 * on end where so much has come, and then goes to the next: a peer that sends as fast as it can would keep everybody else waiting meanwhile.
 */
export class ReceiveTurns {
  private readonly peers = new Map<string, Peer>();

  /** Before HTTP/2 gets the connection, which comes by `tcp`. */
  watch(socket: WatchedSocket, tcp: Socket, name: string): void {
    const peer = this.peers.get(name) ?? new Peer();
    this.peers.set(name, peer);
    peer.connections += 1;
    const connection = new Connection(tcp, peer);
    socket[CONNECTION] = connection;
    socket.once('close', () => {
      peer.forget(connection);
      peer.connections -= 1;
      if (peer.connections === 0) this.peers.delete(name);
    });
  }

  /** For the HTTP/2 server, before anybody else hears of a stream. */
  onStream(stream: ServerHttp2Stream): void {
    const connection = (stream.session?.socket as WatchedSocket | undefined)?.[CONNECTION];
    if (connection === undefined) return;
    const push = stream.push.bind(stream);
    stream.push = (chunk: Buffer | null) => {
      if (chunk !== null) connection.received(chunk.length);
      return push(chunk);
    };
  }
}
