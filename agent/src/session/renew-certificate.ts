import { X509Certificate } from 'node:crypto';
import type { RenewCertificateResponse } from '@holdfast/proto/v1';
import { createAgentKey } from '../enrollment/agent-key.js';
import { checkCertificate } from '../enrollment/check-certificate.js';
import type { AgentIdentity } from '../state/identity.js';

/** From two thirds of the certificate's life on. */
export function isRenewalDue(identity: AgentIdentity, nowMs: number): boolean {
  const certificate = new X509Certificate(identity.certificateChain);
  const from = certificate.validFromDate.getTime();
  const to = certificate.validToDate.getTime();
  return nowMs >= from + ((to - from) * 2) / 3;
}

/** A certificate for a new key of the same agent. The caller stores it. */
export async function renewCertificate(
  identity: AgentIdentity,
  send: (certificateRequest: Buffer) => Promise<RenewCertificateResponse>,
): Promise<AgentIdentity> {
  const key = await createAgentKey();
  const { certificateChain, caCertificate } = await send(key.certificateRequest);
  const renewed = {
    ...identity,
    privateKey: key.privateKey,
    certificateChain,
    caCertificate: caCertificate || identity.caCertificate,
  };
  checkCertificate(renewed);
  return renewed;
}
