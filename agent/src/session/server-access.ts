import { HoldfastError } from '@holdfast/core/errors';
import type { AgentIdentity } from '../state/identity.js';
import { saveIdentity } from '../state/identity.js';
import type { StateFolder } from '../state/state-folder.js';
import type { FolderIdentity } from '../workloads/files/folder-set.js';

/** How the server is reached just now: both parts change while the agent runs. */
export class ServerAccess {
  private address: string | undefined;
  /** The server's own folders, when it runs on this host. */
  serverFolders: readonly FolderIdentity[] = [];

  constructor(
    readonly folder: StateFolder,
    private current: AgentIdentity,
  ) {}

  get identity(): AgentIdentity {
    return this.current;
  }

  /** Stored before it is used: the server may stop to accept the old certificate. */
  async replaceIdentity(identity: AgentIdentity): Promise<void> {
    await saveIdentity(this.folder, identity);
    this.current = identity;
  }

  /** host:port of the data service. Throws Unavailable before the first Welcome. */
  get dataAddress(): string {
    if (this.address !== undefined) return this.address;
    throw new HoldfastError({
      kind: 'Unavailable',
      code: 'NO_DATA_ADDRESS',
      message: 'The server has not named a data service yet.',
    });
  }

  set dataAddress(address: string) {
    this.address = address;
  }
}
