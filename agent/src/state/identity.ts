import { HoldfastError } from '@holdfast/core/errors';
import { readFileIfThere, writeFileDurably } from './atomic-file.js';
import type { StateFolder } from './state-folder.js';

/** Who this agent is, as the server certified it. In one file, so that key and certificate change together. */
export interface AgentIdentity {
  readonly agentId: string;
  readonly agentName: string;
  /** To show on the server, if one was given at enrolment; otherwise this host's own. */
  readonly hostName?: string;
  /** host:port of the control service. */
  readonly controlAddress: string;
  /** PKCS #8, PEM. Made on this host, never leaves it. */
  readonly privateKey: string;
  /** PEM: the agent's certificate, then the CA's. */
  readonly certificateChain: string;
  /** PEM. The only authority that the agent trusts. */
  readonly caCertificate: string;
}

const FIELDS = ['agentId', 'agentName', 'controlAddress', 'privateKey', 'certificateChain', 'caCertificate'] as const;

/** Undefined when the agent is not enrolled. Throws IllegalState when the file is not what `saveIdentity` wrote. */
export async function loadIdentity(folder: StateFolder): Promise<AgentIdentity | undefined> {
  const content = await readFileIfThere(folder.identityFile);
  if (content === undefined) return undefined;
  try {
    const parsed = JSON.parse(content.toString('utf8')) as Record<string, unknown>;
    const isNamed = ['string', 'undefined'].includes(typeof parsed['hostName']);
    if (isNamed && FIELDS.every((field) => typeof parsed[field] === 'string'))
      return parsed as unknown as AgentIdentity;
  } catch {
    // Falls through to the one message that helps.
  }
  throw new HoldfastError({
    kind: 'IllegalState',
    code: 'IDENTITY_BROKEN',
    message: `${folder.identityFile} is damaged; enrol this host again with an empty state folder.`,
  });
}

export async function requireIdentity(folder: StateFolder): Promise<AgentIdentity> {
  const identity = await loadIdentity(folder);
  if (identity !== undefined) return identity;
  throw new HoldfastError({
    kind: 'IllegalState',
    code: 'NOT_ENROLLED',
    message: `This agent is not enrolled (${folder.path}); run "holdfast-agent enroll" first.`,
  });
}

export function saveIdentity(folder: StateFolder, identity: AgentIdentity): Promise<void> {
  return writeFileDurably(folder.identityFile, `${JSON.stringify(identity, undefined, 2)}\n`);
}
