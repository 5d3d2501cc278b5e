import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { AuthenticatedCall } from './caller.js';

/** By the certificate as it was taken apart once for each connection. */
const connections = new WeakMap<PeerCertificate, TLSSocket>();

export function rememberConnection(certificate: PeerCertificate, socket: TLSSocket): void {
  connections.set(certificate, socket);
}

/** Ends the whole connection of a call: grpc-js cannot end a call whose peer takes nothing, and keeps what waits for it. */
export function hangUp(call: AuthenticatedCall): void {
  const { sslPeerCertificate } = call.getAuthContext();
  if (sslPeerCertificate !== undefined) connections.get(sslPeerCertificate)?.destroy();
}
