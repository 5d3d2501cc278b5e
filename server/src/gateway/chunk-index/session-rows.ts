import { uuidToBytes } from '@holdfast/core/ids';
import type { NewSession, SessionState } from './chunk-index.js';
import type { IndexFile } from './index-file.js';
import { SESSION_STATES } from './index-rows.js';

/** Sessions, each with who had it and what became of it. */
export class SessionRows {
  constructor(private readonly file: IndexFile) {}

  record(session: NewSession): number {
    const { file } = this;
    return file.write(() => {
      const done = file.sql.insertSession.run({
        id: uuidToBytes(session.id),
        agent: file.agent(session.agentId),
        job: uuidToBytes(session.jobId),
        epoch: session.epoch,
        kind: session.kind === 'backup' ? 1 : 2,
        item: uuidToBytes(session.itemId),
        domain: file.domain(session.domainId),
        openedAtMs: session.openedAtMs,
      });
      return Number(done.lastInsertRowid);
    });
  }

  setState(session: number, state: SessionState): void {
    this.file.write(() => this.file.sql.setSessionState.run(SESSION_STATES.indexOf(state), session));
  }

  interruptOpen(): number {
    return this.file.write(() => this.file.sql.interruptSessions.run().changes);
  }
}
