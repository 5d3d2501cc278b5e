import type { AgentStatus } from '../../gql/graphql';
import { AGENT_STATUS_WORDS } from '../../platform/format/words';
import { Status, type Tone } from '../../platform/ui/Status';

const TONES: Record<AgentStatus, Tone> = { ONLINE: 'good', OFFLINE: 'warn', REVOKED: 'idle' };

export function AgentStatusSign({ status }: { readonly status: AgentStatus }) {
  return <Status tone={TONES[status]}>{AGENT_STATUS_WORDS[status]}</Status>;
}
