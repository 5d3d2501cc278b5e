import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** A TCP link on loopback that a test can cut: now, or after so many more bytes. */
export class CuttableLink {
  private readonly sockets = new Set<Socket>();
  private bytesUntilCut = Infinity;
  cuts = 0;

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<CuttableLink> {
    const server = createServer();
    const link = new CuttableLink(server);
    server.on('connection', (client) => link.join(client, connect(port, '127.0.0.1')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  cutAfter(bytes: number): void {
    this.bytesUntilCut = bytes;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private join(client: Socket, server: Socket): void {
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    this.forward(client, server);
    this.forward(server, client);
  }

  private forward(from: Socket, to: Socket): void {
    from.on('data', (bytes: Buffer) => {
      this.bytesUntilCut -= bytes.length;
      if (this.bytesUntilCut <= 0) {
        this.bytesUntilCut = Infinity;
        this.cuts += 1;
        from.destroy();
      } else if (!to.write(bytes)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
  }
}
