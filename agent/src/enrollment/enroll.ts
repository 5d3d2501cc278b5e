import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { AgentIdentity } from '../state/identity.js';
import { loadIdentity, saveIdentity } from '../state/identity.js';
import type { StateFolder } from '../state/state-folder.js';
import { lockState } from '../state/state-lock.js';
import { createAgentKey } from './agent-key.js';
import { checkCertificate } from './check-certificate.js';
import { parseEnrollmentToken } from './enrollment-token.js';
import { findAuthority } from './find-authority.js';
import type { HostFacts, SendEnrollment } from './ports.js';
import { ENROLLMENT_PORT, parseServerAddress } from './server-address.js';

export interface EnrollInput {
  readonly server: string;
  readonly token: string;
  readonly host: HostFacts;
  /** To show from now on instead of the host's own. */
  readonly hostName?: string | undefined;
}

/**
 * Makes this state folder an agent of the server. The token leaves the host only towards a server whose
 * CA has the fingerprint that the token names.
 */
export async function enroll(folder: StateFolder, input: EnrollInput, send: SendEnrollment): Promise<AgentIdentity> {
  const token = parseEnrollmentToken(input.token);
  const address = parseServerAddress(input.server, ENROLLMENT_PORT);
  const lock = lockState(folder);
  try {
    const present = await loadIdentity(folder);
    if (present !== undefined) throw alreadyEnrolled(folder, present);
    const caCertificate = await findAuthority(address, token.caFingerprint);
    const key = await createAgentKey();
    const named = input.hostName === undefined ? {} : { hostName: input.hostName };
    const answer = await send(address, caCertificate, {
      token: token.text,
      certificateRequest: key.certificateRequest,
      host: { ...input.host, ...named },
    }).catch(explainRefusal);
    const identity: AgentIdentity = { ...answer, ...named, caCertificate, privateKey: key.privateKey };
    checkCertificate(identity);
    await saveIdentity(folder, identity);
    return identity;
  } finally {
    lock.release();
  }
}

function explainRefusal(error: unknown): never {
  if (isHoldfastError(error, 'Unauthenticated')) {
    throw new HoldfastError({
      kind: 'Unauthenticated',
      code: error.code,
      message: `The server refused the token: ${error.message} A token works once and for 15 minutes.`,
      details: error.details,
      cause: error,
    });
  }
  throw error;
}

function alreadyEnrolled(folder: StateFolder, present: AgentIdentity): HoldfastError {
  return new HoldfastError({
    kind: 'Conflict',
    code: 'ALREADY_ENROLLED',
    message: `${folder.path} already holds agent "${present.agentName}" (${present.agentId}) of ${present.controlAddress}; use another --state folder for a second agent, or remove this one first if that agent was revoked or the host is a copy of another.`,
    details: { agentId: present.agentId },
  });
}
