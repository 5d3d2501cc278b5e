import { createCipheriv, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';

const APPLICATION_DATA = 23;
const HANDSHAKE = 22;
/** The message KeyUpdate (RFC 8446, 4.6.3) that asks for none in return. */
const KEY_UPDATE = Buffer.of(24, 0, 0, 1, 0);

/**
 * A TLS 1.3 connection as an attacker writes it: a handshake as usual, and then records of its own making. Neither Node nor its OpenSSL
 * lets one renew keys at will.
 */
export class OwnRecords {
  private sequence = 0n;

  private key: Buffer;
  private iv: Buffer;

  private constructor(
    readonly tcp: Socket,
    private secret: Buffer,
  ) {
    this.key = expand(secret, 'key', 16);
    this.iv = expand(secret, 'iv', 12);
  }

  static async connect(port: number, options: ConnectionOptions): Promise<OwnRecords> {
    const tcp = connectTcp(port, '127.0.0.1').on('error', () => undefined);
    const under = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _, done) => void tcp.write(bytes, () => done()),
    });
    tcp.on('data', (bytes: Buffer) => under.push(bytes));
    const suite = { ciphers: 'TLS_AES_128_GCM_SHA256', minVersion: 'TLSv1.3' } as const;
    const socket: TLSSocket = connectTls({ ...options, ...suite, socket: under });
    socket.on('error', () => undefined);
    let secret: Buffer | undefined;
    socket.on('keylog', (line: Buffer) => {
      const [name, , value = ''] = line.toString().trim().split(' ');
      if (name === 'CLIENT_TRAFFIC_SECRET_0') secret = Buffer.from(value, 'hex');
    });
    await once(socket, 'secureConnect');
    if (secret === undefined) throw new Error('There is no secret.');
    return new OwnRecords(tcp, secret);
  }

  data(bytes: Buffer): Buffer {
    return this.record(APPLICATION_DATA, bytes);
  }

  keyUpdate(): Buffer {
    const record = this.record(HANDSHAKE, KEY_UPDATE);
    this.secret = expand(this.secret, 'traffic upd', 32);
    this.key = expand(this.secret, 'key', 16);
    this.iv = expand(this.secret, 'iv', 12);
    this.sequence = 0n;
    return record;
  }

  private record(type: number, content: Buffer): Buffer {
    const nonce = Buffer.from(this.iv);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ this.sequence, 4);
    this.sequence += 1n;
    const length = content.length + 17;
    const head = Buffer.of(APPLICATION_DATA, 3, 3, length >> 8, length & 0xff);
    const cipher = createCipheriv('aes-128-gcm', this.key, nonce);
    cipher.setAAD(head);
    return Buffer.concat([
      head,
      cipher.update(content),
      cipher.update(Buffer.of(type)),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
  }
}

/** HKDF-Expand-Label (RFC 8446, 7.1) of at most 32 bytes. */
function expand(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.of(0, length, name.length), name, Buffer.of(0, 1)]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, length);
}
