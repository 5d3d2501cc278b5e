import type { Clock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { Pace, tooFast } from '../../platform/pace.js';
import type { Log } from '../../platform/telemetry/log.js';
import type { JobRef } from '../coordination/coordination.js';
import type { GatewayLimits } from '../limits.js';
import { notNow, tooMany } from './refusals.js';
import type { Session } from './session.js';

/** Reasons of ended sessions that are still told to whoever asks. */
const REMEMBERED_ENDS = 1_000;

/** The sessions of this process: who may use which, and when they end. */
export class SessionRegistry {
  private readonly sessions = new Map<string, Session>();
  private readonly ended = new Map<string, { agentId: string; reason: HoldfastError }>();

  private readonly opens: Pace;

  constructor(private readonly ports: { readonly clock: Clock; readonly log: Log; readonly limits: GatewayLimits }) {
    this.opens = new Pace(ports.limits.openSessions, ports.clock);
  }

  all(): Session[] {
    return [...this.sessions.values()];
  }

  /** Uploads or reads are under way, so work in the background had better wait. */
  get isBusy(): boolean {
    return [...this.sessions.values()].some((session) => session.isBusy);
  }

  /** Throws RateLimited when the agent opens sessions too often. Each call counts. */
  countOpening(agentId: string): void {
    if (!this.opens.allows(agentId)) throw tooFast();
  }

  /** Throws IllegalState when a newer lease of the job was seen, RateLimited when the agent has too many sessions. */
  assertMayOpen(agentId: string, job: JobRef): void {
    let own = 0;
    for (const session of this.sessions.values()) {
      if (session.job.jobId === job.jobId) {
        if (session.job.epoch > job.epoch) throw notNow('EPOCH_PASSED', 'The job was taken over under a newer lease.');
      } else if (session.agentId === agentId) own += 1;
    }
    if (own >= this.ports.limits.maxSessionsPerAgent)
      throw tooMany('TOO_MANY_SESSIONS', `An agent may have ${this.ports.limits.maxSessionsPerAgent} sessions open.`);
  }

  /** Fences every session of the same job: one lease has one session. */
  add(session: Session): void {
    for (const other of this.sessions.values()) {
      if (other.job.jobId !== session.job.jobId) continue;
      this.end(
        other,
        other.job.epoch < session.job.epoch
          ? notNow('EPOCH_PASSED', 'The job was taken over under a newer lease.')
          : notNow('SESSION_REPLACED', 'The job has opened a newer session.'),
      );
    }
    this.sessions.set(session.id, session);
  }

  /** The session of this id, whoever has it: for telling who tried to use it, never for using it. */
  peek(sessionId: string | undefined): Session | undefined {
    return sessionId === undefined ? undefined : this.sessions.get(sessionId);
  }

  /** The caller's session. Throws NotFound for one that is unknown or another agent's: both look the same. */
  find(agentId: string, sessionId: string): Session {
    const session = this.sessions.get(sessionId);
    if (session?.agentId === agentId) {
      session.lastUsed = this.ports.clock.monotonic();
      return session;
    }
    const ended = this.ended.get(sessionId);
    if (ended?.agentId === agentId) throw ended.reason;
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'SESSION_UNKNOWN',
      message: 'The gateway knows no such session: open a new one.',
    });
  }

  close(session: Session): void {
    this.end(session, notNow('SESSION_CLOSED', 'The session was closed.'));
  }

  /** The job is over or this epoch has passed. */
  endJob(job: JobRef): number {
    return this.endWhere(
      ({ job: own }) => own.jobId === job.jobId && own.epoch <= job.epoch,
      notNow('JOB_OVER', 'The job is over, or its lease has passed to another.'),
    );
  }

  endAgent(agentId: string): number {
    return this.endWhere(
      (session) => session.agentId === agentId,
      new HoldfastError({ kind: 'Forbidden', code: 'AGENT_REVOKED', message: 'The agent is revoked.' }),
    );
  }

  endIdle(): number {
    const before = this.ports.clock.monotonic() - this.ports.limits.sessionIdleMs;
    return this.endWhere(
      (session) => !session.isBusy && session.lastUsed < before,
      notNow('SESSION_IDLE', 'Nothing was asked of the session for too long: open a new one.'),
    );
  }

  endAll(): number {
    return this.endWhere(
      () => true,
      new HoldfastError({ kind: 'Unavailable', code: 'GATEWAY_STOPPING', message: 'The gateway is stopping.' }),
    );
  }

  private endWhere(matches: (session: Session) => boolean, reason: HoldfastError): number {
    const ending = [...this.sessions.values()].filter(matches);
    for (const session of ending) this.end(session, reason);
    return ending.length;
  }

  private end(session: Session, reason: HoldfastError): void {
    this.sessions.delete(session.id);
    this.ended.set(session.id, { agentId: session.agentId, reason });
    const [oldest] = this.ended.keys();
    if (this.ended.size > REMEMBERED_ENDS && oldest !== undefined) this.ended.delete(oldest);
    session.end(reason);
    this.ports.log.info(
      { sessionId: session.id, jobId: session.job.jobId, agentId: session.agentId, reason: reason.code },
      'session.ended',
    );
    if (session.committed) return;
    try {
      session.vault.index.setSessionState(session.number, 'ended');
    } catch (error) {
      // The next start finds the session open and marks it; it stays a root for the collector until then.
      this.ports.log.warn({ sessionId: session.id, err: error }, 'session.end_not_recorded');
    }
  }
}
