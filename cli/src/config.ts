import os from 'node:os';
import path from 'node:path';

/** What the environment says; command-line options win over it. */
export interface CliEnvironment {
  readonly configFolder: string;
  readonly server: string | undefined;
  readonly token: string | undefined;
  readonly password: string | undefined;
  readonly caFile: string | undefined;
}

export function readEnvironment(): CliEnvironment {
  const { HOLDFAST_CONFIG_DIR, HOLDFAST_SERVER, HOLDFAST_TOKEN, HOLDFAST_PASSWORD, HOLDFAST_CA_FILE, XDG_CONFIG_HOME } =
    process.env;
  // An empty variable is how a shell unsets one for a single command.
  return {
    configFolder: HOLDFAST_CONFIG_DIR || path.join(XDG_CONFIG_HOME || path.join(os.homedir(), '.config'), 'holdfast'),
    server: HOLDFAST_SERVER || undefined,
    token: HOLDFAST_TOKEN || undefined,
    password: HOLDFAST_PASSWORD || undefined,
    caFile: HOLDFAST_CA_FILE || undefined,
  };
}
