import { enroll } from '../enrollment/enroll.js';
import { sendEnrollment } from '../session/enrollment-client.js';
import type { AgentIdentity } from '../state/identity.js';
import { removeUnusedFolder } from '../state/remove-unused-folder.js';
import { prepareStateFolder } from '../state/state-folder.js';
import { readHostFacts } from './host-facts.js';
import type { Terminal } from './program.js';

export async function enrollCommand(
  options: { state: string; server: string; token: string; name?: string },
  terminal: Terminal,
): Promise<number> {
  const folder = await prepareStateFolder(options.state, terminal.uid);
  const { server, token, name } = options;
  let identity: AgentIdentity;
  try {
    identity = await enroll(folder, { server, token, host: readHostFacts(), hostName: name }, sendEnrollment);
  } catch (error) {
    await removeUnusedFolder(folder);
    throw error;
  }
  terminal.out(
    `Enrolled as "${identity.agentName}" (${identity.agentId}). Start it with: holdfast-agent run --state ${folder.path}`,
  );
  return 0;
}
