import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type { IndexFile } from './index-file.js';
import { NO_BYTES, required } from './index-rows.js';

/** Of one agent; with more it begins anew, so that nobody fills the file or a session's memory. */
const MOST_DOUBTS = 20_000;

/** What is known of agents: which copies they doubt, what damage they have heard of, and whose copies count for nobody. */
export class AgentRows {
  private readonly voided: Set<string>;

  constructor(private readonly file: IndexFile) {
    this.voided = new Set(file.sql.voidedAgents.all().map(uuidFromBytes));
  }

  damageKnownTo(agentId: string): Buffer {
    const { damage, damageOf } = this.file.sql;
    return this.file.read(() =>
      Buffer.concat([required(damage.get()), damageOf.get(uuidToBytes(agentId)) ?? NO_BYTES]),
    );
  }

  doubt(agentId: string, copies: readonly number[]): void {
    const { sql } = this.file;
    this.file.writeUnsynced(() => {
      const agent = this.file.agent(agentId);
      if (copies.every((copy) => sql.isDoubted.get(agent, copy) !== undefined)) return;
      if (required(sql.countDoubts.get(agent)) + copies.length > MOST_DOUBTS) sql.deleteDoubts.run(agent);
      for (const copy of copies) sql.insertDoubt.run(agent, copy);
    });
  }

  doubtsOf(agentId: string): ReadonlySet<number> {
    return new Set(this.file.read(() => this.file.sql.doubtsOf.all(uuidToBytes(agentId))));
  }

  isVoided(agentId: string): boolean {
    return this.voided.has(agentId);
  }

  void(agentId: string): void {
    this.file.write(() => {
      this.file.agent(agentId);
      this.file.sql.voidAgent.run(uuidToBytes(agentId));
    });
    this.voided.add(agentId);
  }
}
