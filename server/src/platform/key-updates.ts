import type { Server, TLSSocket } from 'node:tls';

/** Of one connection, for as long as it lasts. Whoever keeps to what AES-GCM is safe for needs one in hundreds of gigabytes. */
const MOST_KEY_UPDATES = 100;
const NEXT_KEYS = Buffer.from('CLIENT_TRAFFIC_SECRET_N ');

/**
 * Ends connections whose peer renews the keys of TLS 1.3 again and again: it takes 27 bytes to ask for and 15 to 20 microseconds of
 * everybody's time to do. OpenSSL bounds it nowhere, and what it tells of it is each new key alone, which is not looked at here.
 */
export function limitKeyUpdates(server: Server, flooded: (socket: TLSSocket) => void): void {
  const counts = new WeakMap<TLSSocket, number>();
  server.on('keylog', (line: Buffer, socket: TLSSocket) => {
    if (!line.subarray(0, NEXT_KEYS.length).equals(NEXT_KEYS)) return;
    const count = (counts.get(socket) ?? 0) + 1;
    counts.set(socket, count);
    if (count !== MOST_KEY_UPDATES) return;
    flooded(socket);
    // At once: megabytes of them may have come already, and nothing else is done before they are read.
    socket.destroy();
  });
}
