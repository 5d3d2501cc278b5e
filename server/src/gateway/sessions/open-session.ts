import type { IdSource } from '@holdfast/core/ids';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex } from '../chunk-index/chunk-index.js';
import type { Coordination, JobRef } from '../coordination/coordination.js';
import type { VaultRegistry } from '../vault-stores/vault-registry.js';
import { allowRoot } from './reachable-chunks.js';
import { forbidden, notNow } from './refusals.js';
import { Session, type SessionPorts } from './session.js';
import type { SessionRegistry } from './session-registry.js';

export interface OpenSessionPorts extends SessionPorts {
  readonly coordination: Pick<Coordination, 'authorizeSession'>;
  readonly vaults: Pick<VaultRegistry, 'open'>;
  readonly sessions: SessionRegistry;
  readonly newId: IdSource;
  readonly log: Log;
}

/** Opens a session for one lease of one job, once control has said what the agent may work on. */
export async function openSession(ports: OpenSessionPorts, agentId: string, job: JobRef): Promise<Session> {
  ports.sessions.countOpening(agentId);
  ports.sessions.assertMayOpen(agentId, job);
  const grant = await ports.coordination.authorizeSession(agentId, job);
  const vault = await ports.vaults.open(grant.vault);
  // While control was asked, a newer lease may have come, or the agent may have been revoked.
  ports.sessions.assertMayOpen(agentId, job);
  if (vault.index.isVoided(agentId)) throw forbidden('AGENT_REVOKED', 'The agent is revoked.');
  if (grant.root !== undefined) requireKnown(vault.index, grant.root);

  const id = ports.newId();
  const number = vault.index.recordSession({
    id,
    agentId,
    jobId: job.jobId,
    epoch: job.epoch,
    kind: grant.kind,
    itemId: grant.itemId,
    domainId: grant.domainId,
    openedAtMs: ports.clock.now(),
  });
  const session = new Session(id, number, agentId, job, grant, vault, ports);
  allowRoot(session);
  ports.sessions.add(session);
  ports.log.info(
    { sessionId: id, jobId: job.jobId, epoch: job.epoch, agentId, vaultId: vault.vaultId, kind: grant.kind },
    'session.opened',
  );
  return session;
}

/** A point is recorded once the index knows all of it. What it knows nothing of was made after the index was copied. */
function requireKnown(index: ChunkIndex, root: Buffer): void {
  if (index.lookup(root, () => 1).some((copies) => copies.length > 0)) return;
  throw notNow(
    'INDEX_OUTDATED',
    "The gateway's index of the vault does not know this recovery point: most likely it was put back from a copy that is older than the point. " +
      'The store still holds what was backed up. Put a newer copy of `gateway/` back, or restore a point that was made before the copy.',
  );
}
