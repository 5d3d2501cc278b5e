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
 * The caller of a call that came over mutual TLS; the handshake has checked the chain. Throws Unauthenticated when the
 * certificate names nobody, or more than one: that would leave open who is meant.
 */
export function callerFromCertificate(call: AuthenticatedCall): Caller {
  const caller = callerOf(call.getAuthContext().sslPeerCertificate);
  if (caller === undefined) throw refused('Unauthenticated', 'The certificate names no known identity.');
  return caller;
}

/** Whom a certificate names; undefined for none, and unless it is exactly one. */
export function callerOf(certificate: PeerCertificate | undefined): Caller | undefined {
  const names = (certificate?.subjectaltname ?? '').split(', ').filter((name) => !HOST.test(name));
  const [, role, id] = (names.length === 1 && IDENTITY.exec(names[0] ?? '')) || [];
  if (!certificate || !role || !id || !isUuid(id)) return undefined;
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
