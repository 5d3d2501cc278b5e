import type { JobRef } from '../coordination/coordination.js';
import type { SessionRegistry } from './session-registry.js';

/** The job is over, or its lease has passed on: its sessions up to this epoch end. Idempotent. */
export function endSessions(ports: { readonly sessions: SessionRegistry }, job: JobRef): void {
  ports.sessions.endJob(job);
}
