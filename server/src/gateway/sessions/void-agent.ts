import { HoldfastError } from '@holdfast/core/errors';
import type { Log } from '../../platform/telemetry/log.js';
import type { OpenVault } from '../vault-stores/open-vault.js';
import type { SessionRegistry } from './session-registry.js';

/**
 * The agent is revoked: its sessions end, and copies that it uploaded and nobody verified count for no
 * new backup. They stay readable for restores of its points, whose readers check every chunk.
 * Idempotent. Throws Unavailable until all vaults are open: control repeats the call then.
 */
export function voidAgent(
  ports: {
    readonly sessions: SessionRegistry;
    readonly vaults: { all(): OpenVault[]; readonly complete: boolean };
    readonly log: Log;
  },
  agentId: string,
): void {
  ports.sessions.endAgent(agentId);
  for (const vault of ports.vaults.all()) vault.index.voidAgent(agentId);
  ports.log.warn({ agentId }, 'agent.voided');
  if (!ports.vaults.complete) {
    throw new HoldfastError({
      kind: 'Unavailable',
      code: 'VAULTS_OPENING',
      message: 'Not all vaults are open yet: repeat this call.',
    });
  }
}
