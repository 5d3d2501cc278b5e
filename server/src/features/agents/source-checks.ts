import type { Timers } from '@holdfast/core/clock';
import type { FilesSource } from '../jobs/domain/job-command.js';
import type { RootTrouble } from '../protected-items/domain/pre-check.js';
import type { AgentConnections, SourceChecker } from './services.js';

/** A datasource is checked while somebody waits for the answer of a mutation. */
const PATIENCE_MS = 3_000;

interface Asked {
  readonly agentId: string;
  settle(troubles: readonly RootTrouble[] | undefined): void;
}

/** Questions to agents that are connected to this process, each open until it is answered or nobody waits any more. */
export class SourceChecks implements SourceChecker {
  private readonly open = new Map<string, Asked>();

  constructor(
    private readonly ports: {
      readonly connections: Pick<AgentConnections, 'ready'>;
      readonly timers: Timers;
      readonly newId: () => string;
    },
  ) {}

  async ask(agentId: string, files: FilesSource): Promise<readonly RootTrouble[] | undefined> {
    const checkId = this.ports.newId();
    const link = this.ports.connections.ready(agentId);
    if (link?.send({ kind: 'check', checkId, files }) !== true) return undefined;
    return new Promise((resolve) => {
      const stop = this.ports.timers.after(PATIENCE_MS, () => settle(undefined));
      const settle: Asked['settle'] = (troubles) => {
        stop();
        this.open.delete(checkId);
        resolve(troubles);
      };
      this.open.set(checkId, { agentId, settle });
    });
  }

  /** An answer of another agent, or to what nobody asked or waits for, means nothing. */
  answered(agentId: string, checkId: string, troubles: readonly RootTrouble[]): void {
    const asked = this.open.get(checkId);
    if (asked?.agentId === agentId) asked.settle(troubles);
  }
}
