import { runAgent } from '../composition-root.js';
import { createLog } from '../log.js';
import { requireIdentity } from '../state/identity.js';
import { prepareStateFolder } from '../state/state-folder.js';
import { lockState } from '../state/state-lock.js';
import { readBootIdSha256, readHostFacts, readInstance } from './host-facts.js';
import type { Terminal } from './program.js';

/** 0 after SIGTERM or SIGINT: stopping is how this command ends. */
export async function runCommand(options: { state: string; paranoid?: boolean }, terminal: Terminal): Promise<number> {
  const folder = await prepareStateFolder(options.state, terminal.uid);
  const bootIdSha256 = readBootIdSha256();
  const lock = lockState(folder);
  try {
    const identity = await requireIdentity(folder);
    const host = readHostFacts();
    await runAgent({
      folder,
      identity,
      log: createLog(terminal.logLevel),
      host: { ...host, hostName: identity.hostName ?? host.hostName },
      instance: readInstance(folder.path, bootIdSha256),
      bootIdSha256,
      paranoid: options.paranoid === true,
      signal: terminal.stop,
    });
    return 0;
  } finally {
    lock.release();
  }
}
