import type { Clock, Timers } from '@holdfast/core/clock';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';
import type { OnWait } from '../jobs/data-transport.js';
import type { JobRef } from '../jobs/job.js';
import type { AgentLog } from '../log.js';
import { errorFacts } from '../log.js';
import { BackOff } from './back-off.js';
import { isWorthRepeating } from './grpc-error.js';
import { stopped } from './unary-call.js';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
/**
 * Without a good answer of the gateway for this long a job fails: it must end, and the next may find the gateway back. So it does with a call that the gateway
 * itself cannot serve for so long (its store is not there, say), whatever others get; but not with one that waits in order, or that a link keeps losing.
 */
const GIVE_UP_MS = 10 * 60_000;
const MOST_REOPENS = 5;

/** One live session, over whatever transport. */
export interface OpenedSession {
  /** Tells the gateway that it is over. */
  close(): Promise<void>;
  /** Closes the connections. */
  letGo(): void;
}

/** Of one call. */
interface Tries {
  readonly backOff: BackOff;
  /** Of the first time that the gateway could not serve it, unless a part of an answer came since. */
  failingSince?: number;
}

export interface SessionLinkPorts<Opened extends OpenedSession> {
  readonly clock: Clock & Timers;
  readonly random: Random;
  readonly log: AgentLog;
  open(job: JobRef, signal: AbortSignal): Promise<Opened>;
  readonly onWait: OnWait;
}

/**
 * Keeps a session usable while connections come and go: a call that the transport lost is made again, under the same session while the
 * gateway knows it, else under a new one of the same lease. A lease that has ended is refused there, and that ends the job.
 */
export class SessionLink<Opened extends OpenedSession> {
  private opening: Promise<Opened> | undefined;
  private opens = 0;
  private reopensInRow = 0;
  /** Of the first of the failures that no answer has interrupted. */
  private failingSince: number | undefined;

  constructor(
    private readonly ports: SessionLinkPorts<Opened>,
    private readonly job: JobRef,
  ) {}

  /** 1 for the first session, one more for every session that had to replace it. */
  get generation(): number {
    return this.opens;
  }

  /** The call is told when it is made again, and says of a long answer that it goes on: the gateway has answered with a part of what it was asked for. */
  async attempt<T>(
    signal: AbortSignal,
    call: (opened: Opened, again: boolean, goesOn: () => void) => Promise<T>,
  ): Promise<T> {
    const tries: Tries = { backOff: new BackOff(this.ports.random, FIRST_WAIT_MS, LONGEST_WAIT_MS) };
    const goesOn = (): void => {
      delete tries.failingSince;
      tries.backOff.reset();
      this.answered();
    };
    for (let again = false; ; again = true) {
      if (signal.aborted) throw stopped(signal);
      this.opening ??= this.open(signal);
      const { opening } = this;
      try {
        const answer = await call(await opening, again, goesOn);
        this.answered();
        return answer;
      } catch (error) {
        if (signal.aborted) throw stopped(signal);
        await this.recover(error, opening, tries, signal);
      }
    }
  }

  private answered(): void {
    if (this.failingSince !== undefined) this.ports.onWait('');
    this.failingSince = undefined;
    this.reopensInRow = 0;
  }

  async close(): Promise<void> {
    const opened = await this.opening?.catch(() => undefined);
    if (opened === undefined) return;
    try {
      await opened.close();
    } catch {
      // The gateway ends the session with the job's lease.
    }
    opened.letGo();
  }

  private async recover(error: unknown, failed: Promise<Opened>, tries: Tries, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.ports;
    const neverOpened = await failed.then(
      () => false,
      () => true,
    );
    if (neverOpened) this.discard(failed);
    if (!neverOpened && isSessionGone(error)) {
      if (this.opening === failed) this.reopensInRow += 1;
      if (this.reopensInRow > MOST_REOPENS) throw error;
      log.warn(
        { job: this.job.jobId, ...errorFacts(error) },
        'the gateway no longer knows the session; opening another',
      );
      return this.discard(failed);
    }
    if (!isHoldfastError(error) || !isWorthRepeating(error)) throw error;
    const now = clock.monotonic();
    this.failingSince ??= now;
    if (isCannot(error)) tries.failingSince ??= now;
    if (now - Math.min(this.failingSince, tries.failingSince ?? now) > GIVE_UP_MS) throw unreachable(error);
    const waitMs = tries.backOff.next();
    log.warn({ job: this.job.jobId, waitMs, ...errorFacts(error) }, 'a call to the gateway failed; trying again');
    this.ports.onWait(error.message);
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }

  private discard(failed: Promise<Opened>): void {
    if (this.opening !== failed) return;
    this.opening = undefined;
    failed.then(
      (opened) => opened.letGo(),
      () => undefined,
    );
  }

  private async open(signal: AbortSignal): Promise<Opened> {
    const opened = await this.ports.open(this.job, signal);
    this.opens += 1;
    return opened;
  }
}

/** The gateway says that it cannot, as opposed to that others come first; and it is not the link. */
function isCannot({ kind, code }: HoldfastError): boolean {
  return kind !== 'RateLimited' && !code.startsWith('GRPC_');
}

function isSessionGone(error: unknown): boolean {
  return (
    isHoldfastError(error) &&
    (error.kind === 'NotFound' || error.kind === 'IllegalState') &&
    error.code.startsWith('SESSION_')
  );
}

function unreachable(cause: HoldfastError): HoldfastError {
  const silent = cause.code.startsWith('GRPC_');
  return new HoldfastError({
    kind: 'Unavailable',
    code: silent ? 'GATEWAY_UNREACHABLE' : cause.code,
    message: `The gateway ${silent ? 'did not answer' : 'refused'} for ten minutes: ${cause.message}`,
    cause,
  });
}
