import { enroll } from '../enrollment/enroll.js';
import { sendEnrollment } from '../session/enrollment-client.js';
import { prepareStateFolder } from '../state/state-folder.js';
import { readHostFacts } from './host-facts.js';
import type { Terminal } from './program.js';

export async function enrollCommand(
  options: { state: string; server: string; token: string; name?: string },
  terminal: Terminal,
): Promise<number> {
  const folder = await prepareStateFolder(options.state, terminal.uid);
  const identity = await enroll(
    folder,
    { server: options.server, token: options.token, host: readHostFacts(options.name) },
    sendEnrollment,
  );
  terminal.out(
    `Enrolled as "${identity.agentName}" (${identity.agentId}). Start it with: holdfast-agent run --state ${folder.path}`,
  );
  return 0;
}
