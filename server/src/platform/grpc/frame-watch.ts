import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

const LOOK_MS = 250;
/** What one peer may send between two looks beside the bytes of messages: so many bytes, and a share of those. */
const MOST_BESIDE_BYTES = 1024 * 1024;
const BESIDE_SHARE = 0.25;
/** A shorter frame takes as much time and memory as one of this length. */
const SHORT_FRAME_BYTES = 256;
const MOST_SHORT_FRAMES = 16_384;
/** A call of a method that there is not is answered before anything that paces calls hears of it. */
const UNKNOWN_CALL_BYTES = 16 * 1024;
/** Of one stream, that nobody has read yet. */
const MOST_WAITING_FRAMES = 4_096;

const TALLY = Symbol('what came on a connection');

type WatchedSocket = TLSSocket & { [TALLY]?: Tally };

/** What came on one connection since the last look. */
class Tally {
  isOver = false;
  messageBytes = 0;
  shortFrames = 0;
  unknownCalls = 0;
  private bytesRead: number;

  constructor(
    private readonly socket: TLSSocket,
    private readonly tcp: Socket,
    private readonly flooded: () => void,
  ) {
    this.bytesRead = tcp.bytesRead;
  }

  /** What came beside messages, less what messages may have beside them. */
  take(): number {
    const { bytesRead } = this.tcp;
    const counted = this.shortFrames * SHORT_FRAME_BYTES + this.unknownCalls * UNKNOWN_CALL_BYTES;
    const beside = bytesRead - this.bytesRead - this.messageBytes + counted;
    const most = this.messageBytes * BESIDE_SHARE;
    this.bytesRead = bytesRead;
    this.messageBytes = 0;
    this.shortFrames = 0;
    this.unknownCalls = 0;
    return Math.max(0, beside - most);
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.flooded();
    // HTTP/2 is in the middle of what it has read.
    setImmediate(() => this.socket.destroy());
  }
}

/**
 * Ends connections on which very much comes that says little: frames of a few bytes, window updates, pings, headers. Each costs about as much
 * as a full frame, and one peer that sends nothing else would leave no time for others. HTTP/2 as Node has it bounds some of
 * them, and tells nobody of most, so what is counted is everything that came, less what the messages were; of all connections of one
 * peer together, or a few that each keep to the limit would do the same.
 */
export class FrameWatch {
  private readonly peers = new Map<string, Set<Tally>>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * Before HTTP/2 gets the connection. What came by `tcp` counts, with all that TLS adds. `flooded` is called once, when it is about
   * to be ended.
   */
  watch(socket: WatchedSocket, tcp: Socket, peer: string, flooded: () => void): void {
    const tally = new Tally(socket, tcp, flooded);
    socket[TALLY] = tally;
    this.peers.set(peer, (this.peers.get(peer) ?? new Set()).add(tally));
    socket.once('close', () => this.forget(peer, tally));
    this.timer ??= setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** For the HTTP/2 server, before anybody else hears of a stream; `isKnown`: whether there is the method that it calls. */
  onStream(stream: ServerHttp2Stream, isKnown: boolean): void {
    const tally = (stream.session?.socket as WatchedSocket | undefined)?.[TALLY];
    if (tally === undefined) return;
    if (!isKnown) tally.unknownCalls += 1;
    const push = stream.push.bind(stream);
    let waiting = 0;
    stream.push = (chunk: Buffer | null) => {
      if (stream.readableLength === 0) waiting = 0;
      if (chunk !== null) {
        tally.messageBytes += chunk.length;
        if (chunk.length < SHORT_FRAME_BYTES) {
          waiting += 1;
          tally.shortFrames += 1;
          if (waiting > MOST_WAITING_FRAMES || tally.shortFrames > MOST_SHORT_FRAMES) tally.end();
        }
      }
      return !tally.isOver && push(chunk);
    };
  }

  private look(): void {
    for (const tallies of this.peers.values()) {
      const taken = [...tallies].map((tally) => ({ tally, bytes: tally.take() }));
      if (taken.reduce((sum, { bytes }) => sum + bytes, 0) <= MOST_BESIDE_BYTES) continue;
      // Hosts behind one address are one peer where nobody has a certificate; those that sent little are not to blame.
      const share = MOST_BESIDE_BYTES / tallies.size;
      for (const { tally, bytes } of taken) if (bytes > share) tally.end();
    }
  }

  private forget(peer: string, tally: Tally): void {
    const tallies = this.peers.get(peer);
    tallies?.delete(tally);
    if (tallies?.size === 0) this.peers.delete(peer);
    if (this.peers.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
