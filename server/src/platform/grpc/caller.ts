import type { PeerCertificate } from 'node:tls';
import { HoldfastError } from '@holdfast/core/errors';
import { isUuid } from '@holdfast/core/ids';

export type CallerRole = 'agent' | 'gateway' | 'control';

/** Who a client certificate of the server's CA says is calling. */
export interface Caller {
  readonly role: CallerRole;
  readonly id: string;
  /** Serial number of the certificate, upper-case hex. */
  readonly serial: string;
}

/** The part of a gRPC call that knows its peer. */
export interface AuthenticatedCall {
  getAuthContext(): { sslPeerCertificate?: PeerCertificate };
}

const IDENTITY = /^URI:holdfast:\/\/(agent|gateway|control)\/([0-9a-f-]{36})$/;
// A gateway's certificate also carries the names that it serves under.
const HOST = /^(DNS:[A-Za-z0-9._-]+|IP Address:[0-9A-Fa-f.:]+)$/;

/**
 * The caller of a call that came over mutual TLS; the handshake has checked the chain. Exactly one
 * identity is allowed in the certificate: several would leave open who is meant.
 */
export function callerFromCertificate(call: AuthenticatedCall): Caller {
  const certificate = call.getAuthContext().sslPeerCertificate;
  const names = (certificate?.subjectaltname ?? '').split(', ').filter((name) => !HOST.test(name));
  const [, role, id] = (names.length === 1 && IDENTITY.exec(names[0] ?? '')) || [];
  if (!certificate || !role || !id || !isUuid(id))
    throw refused('Unauthenticated', 'The certificate names no known identity.');
  return { role: role as CallerRole, id, serial: certificate.serialNumber };
}

/** As above, and the role must be this one: Forbidden otherwise. */
export function requireRole(call: AuthenticatedCall, role: CallerRole): Caller {
  const caller = callerFromCertificate(call);
  if (caller.role !== role) throw refused('Forbidden', `This service is for certificates of role ${role}.`);
  return caller;
}

function refused(kind: 'Unauthenticated' | 'Forbidden', message: string): HoldfastError {
  return new HoldfastError({
    kind,
    code: kind === 'Forbidden' ? 'WRONG_CERTIFICATE_ROLE' : 'NO_CERTIFICATE_IDENTITY',
    message,
  });
}
