import type { Clock, Timers } from '@holdfast/core/clock';
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';
import { DataServiceClient } from '@holdfast/proto/v1';
import type { DataSession, DataTransport, SessionLimits } from '../jobs/data-transport.js';
import type { JobRef } from '../jobs/job.js';
import { Turns } from '../jobs/turns.js';
import type { AgentLog } from '../log.js';
import { errorFacts } from '../log.js';
import { BackOff } from './back-off.js';
import { dataChannel } from './channel.js';
import { DataClients } from './data-clients.js';
import { GrpcDataSession } from './data-session.js';
import { isWorthRepeating } from './grpc-error.js';
import { toWireRef } from './job-messages.js';
import type { ServerAccess } from './server-access.js';
import type { Throttle, Throttles } from './throttle.js';
import { callUnary, stopped } from './unary-call.js';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
/** Without any answer of the gateway for this long a job fails: it must end, and the next may find the gateway back. */
const GIVE_UP_MS = 10 * 60_000;
const OPEN_TIMEOUT_MS = 30_000;
const MOST_REOPENS = 5;

export interface DataTransportPorts {
  readonly clock: Clock & Timers;
  readonly random: Random;
  readonly access: ServerAccess;
  readonly bandwidth: Throttles;
  readonly log: AgentLog;
}

/** One live session. */
export interface Opened {
  readonly clients: DataClients;
  /** For everything but reads under a limit. */
  readonly client: DataServiceClient;
  /** Of the writes of packs. */
  readonly writes: Turns;
  readonly throttle: Throttle;
  readonly sessionId: Buffer;
  readonly limits: SessionLimits;
}

export class GrpcDataTransport implements DataTransport {
  constructor(private readonly ports: DataTransportPorts) {}

  async openSession(job: JobRef, signal: AbortSignal): Promise<DataSession> {
    const link = new SessionLink(this.ports, job);
    const limits = await link.attempt(signal, (opened) => Promise.resolve(opened.limits));
    return new GrpcDataSession(link, limits);
  }
}

/**
 * Keeps a session usable while connections come and go: a call that the transport lost is made again, under the same session while the
 * gateway knows it, else under a new one of the same lease. A lease that has ended is refused there, and that ends the job.
 */
export class SessionLink {
  private opening: Promise<Opened> | undefined;
  private opens = 0;
  private reopensInRow = 0;
  /** Of the first of the failures that no answer has interrupted. */
  private failingSince: number | undefined;

  constructor(
    private readonly ports: DataTransportPorts,
    private readonly job: JobRef,
  ) {}

  get bandwidth(): Throttles {
    return this.ports.bandwidth;
  }

  /** 1 for the first session, one more for every session that had to replace it. */
  get generation(): number {
    return this.opens;
  }

  /** The call is told when it is made again. */
  async attempt<T>(signal: AbortSignal, call: (opened: Opened, again: boolean) => Promise<T>): Promise<T> {
    const backOff = new BackOff(this.ports.random, FIRST_WAIT_MS, LONGEST_WAIT_MS);
    for (let again = false; ; again = true) {
      if (signal.aborted) throw stopped(signal);
      this.opening ??= this.open(signal);
      const { opening } = this;
      try {
        const answer = await call(await opening, again);
        this.failingSince = undefined;
        this.reopensInRow = 0;
        return answer;
      } catch (error) {
        if (signal.aborted) throw stopped(signal);
        await this.recover(error, opening, backOff, signal);
      }
    }
  }

  async close(): Promise<void> {
    const opened = await this.opening?.catch(() => undefined);
    if (opened === undefined) return;
    try {
      await callUnary(
        opened.client.closeSession.bind(opened.client),
        { sessionId: opened.sessionId },
        { timeoutMs: 5_000 },
      );
    } catch {
      // The gateway ends the session with the job's lease.
    }
    opened.clients.close();
  }

  private async recover(error: unknown, failed: Promise<Opened>, backOff: BackOff, signal: AbortSignal): Promise<void> {
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
    this.failingSince ??= clock.monotonic();
    if (clock.monotonic() - this.failingSince > GIVE_UP_MS) throw unreachable(error);
    const waitMs = backOff.next();
    log.warn({ job: this.job.jobId, waitMs, ...errorFacts(error) }, 'a call to the gateway failed; trying again');
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }

  private discard(failed: Promise<Opened>): void {
    if (this.opening !== failed) return;
    this.opening = undefined;
    failed.then(
      ({ clients }) => clients.close(),
      () => undefined,
    );
  }

  private async open(signal: AbortSignal): Promise<Opened> {
    const { access } = this.ports;
    const clients = new DataClients((windowBytes) => {
      const { address, credentials, options } = dataChannel(access.dataAddress, access.identity, windowBytes);
      return new DataServiceClient(address, credentials, options);
    });
    const client = clients.main;
    try {
      const answer = await callUnary(
        client.openSession.bind(client),
        { job: toWireRef(this.job) },
        { timeoutMs: OPEN_TIMEOUT_MS, signal },
      );
      this.opens += 1;
      const { sessionId, ...limits } = answer;
      return { clients, client, writes: new Turns(1), throttle: this.bandwidth.upload, sessionId, limits };
    } catch (error) {
      clients.close();
      throw error;
    }
  }
}

function isSessionGone(error: unknown): boolean {
  return (
    isHoldfastError(error) &&
    (error.kind === 'NotFound' || error.kind === 'IllegalState') &&
    error.code.startsWith('SESSION_')
  );
}

function unreachable(cause: HoldfastError): HoldfastError {
  return new HoldfastError({
    kind: 'Unavailable',
    code: 'GATEWAY_UNREACHABLE',
    message: `The gateway did not answer for ten minutes: ${cause.message}`,
    cause,
  });
}
