import { createPrivateKey, X509Certificate } from 'node:crypto';
import { HoldfastError } from '@holdfast/core/errors';
import type { AgentIdentity } from '../state/identity.js';

/** The certificate must be for the key made here and signed by the CA that is trusted here. */
export function checkCertificate(identity: AgentIdentity): void {
  const certificate = new X509Certificate(identity.certificateChain);
  const authority = new X509Certificate(identity.caCertificate);
  const named = certificate.subjectAltName?.split(', ') ?? [];
  const good =
    certificate.checkPrivateKey(createPrivateKey(identity.privateKey)) &&
    certificate.verify(authority.publicKey) &&
    named.includes(`URI:holdfast://agent/${identity.agentId}`);
  if (!good)
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'CERTIFICATE_UNUSABLE',
      message: 'The server answered with a certificate that is not for this agent.',
    });
}
