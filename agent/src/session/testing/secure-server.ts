import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { IssuedCertificate, TestAuthority } from './certificate-authority.js';

export interface SecureServer {
  /** host:port */
  readonly address: string;
  readonly port: number;
  /** Cuts every connection. */
  stop(): void;
}

/** Serves gRPC over TLS on a free port of loopback. */
export async function serveSecurely(
  authority: TestAuthority,
  certificate: IssuedCertificate,
  options: { readonly clientCertificates: boolean; readonly port?: number },
  register: (server: Server) => void,
): Promise<SecureServer> {
  const server = new Server();
  register(server);
  const pair = { private_key: Buffer.from(certificate.privateKey), cert_chain: Buffer.from(certificate.chain) };
  const credentials = ServerCredentials.createSsl(Buffer.from(authority.pem), [pair], options.clientCertificates);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { address: `127.0.0.1:${port}`, port, stop: () => server.forceShutdown() };
}
