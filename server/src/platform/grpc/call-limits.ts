import type { ServerInterceptor } from '@grpc/grpc-js';
import { ServerInterceptingCall, status } from '@grpc/grpc-js';
import type { Clock, Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { addressGroup } from '../address-group.js';
import { CountedKeys } from '../counted-keys.js';
import { Pace, type PaceLimits, tooFast } from '../pace.js';
import { CallTurns } from './call-turns.js';
import type { AuthenticatedCall, CallerRole } from './caller.js';
import { callerOf } from './caller.js';
import { toGrpcStatus } from './errors.js';
import { peerAddress } from './peer-address.js';

/** What one identity may call over all its connections. */
export interface CallerLimits {
  readonly atOnce: number;
  readonly pace?: PaceLimits;
}

/** `unknown` is for one address, for whoever shows no certificate. */
export type CallLimits = Readonly<Record<CallerRole | 'unknown', CallerLimits>>;

/** A request of one message has to be there after so long. */
const REQUEST_MS = 120_000;
/** Calls of one agent, or of one address without a certificate, that may fail at the usual speed. */
const FAILURES: PaceLimits = { burst: 50, perSecond: 5 };
/**
 * How long the end of any further one is kept back. Meanwhile it keeps its place among the few calls that one connection may have open:
 * whoever is refused and asks again without end would keep this process busy refusing.
 */
export const FAILURE_MS = 5_000;

/**
 * grpc-js gathers a message before any handler sees it. A call beyond its caller's limit is refused before anything of it is
 * read, and one whose request does not come is given up; so the limit times the longest message is what a caller can make
 * this process hold.
 */
export function limitCalls(limits: CallLimits, ports: { clock: Clock; timers: Timers }): ServerInterceptor {
  const underWay = new CountedKeys();
  const paces = new Map<CallerRole | 'unknown', Pace>();
  for (const kind of ['agent', 'gateway', 'control', 'unknown'] as const) {
    const { pace } = limits[kind];
    if (pace !== undefined) paces.set(kind, new Pace(pace, ports.clock));
  }
  const failures = new Pace(FAILURES, ports.clock);
  const turns = new CallTurns();
  return (method, call) => {
    const { kind, key } = whose(call);
    const { atOnce } = limits[kind];
    let stopWaiting = (): void => undefined;
    let stopEnding = (): void => undefined;
    let leave = (): void => undefined;
    let giveUpTurn = (): void => undefined;
    let isKeptBack = false;
    const end = (code: status, send: () => void): void => {
      if (code === status.OK || isTrusted(kind) || failures.allows(key)) send();
      else {
        isKeptBack = true;
        call.startRead();
        stopEnding = ports.timers.after(FAILURE_MS, send);
      }
    };
    const refuse = (error: HoldfastError): void => {
      const refusal = toGrpcStatus(error);
      end(refusal.code, () => call.sendStatus(refusal));
    };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          // Called once, unless the call is over already; onCancel follows then in any case, however the call ends.
          onReceiveMetadata(metadata, pass) {
            if (paces.get(kind)?.allows(key) === false) return refuse(tooFast());
            if (!underWay.add(key, atOnce)) return refuse(tooMany(atOnce));
            leave = () => underWay.remove(key);
            if (!method.requestStream)
              stopWaiting = ports.timers.after(REQUEST_MS, () => call.sendStatus(toGrpcStatus(tooSlow())));
            if (isTrusted(kind)) pass(metadata);
            else giveUpTurn = turns.take(key, () => pass(metadata));
          },
          // What is still sent to a call that is kept back would lie in memory until its end, a whole window of it.
          onReceiveMessage(message, pass) {
            if (isKeptBack) call.startRead();
            else pass(message);
          },
          onReceiveHalfClose(pass) {
            stopWaiting();
            pass();
          },
          onCancel() {
            stopWaiting();
            stopEnding();
            giveUpTurn();
            leave();
          },
        }),
      sendStatus: (ending, next) => end(ending.code ?? status.UNKNOWN, () => next(ending)),
    });
  };
}

/** Parts of the server itself. */
function isTrusted(kind: CallerRole | 'unknown'): boolean {
  return kind === 'gateway' || kind === 'control';
}

function whose(call: AuthenticatedCall & { getPeer(): string }): { kind: CallerRole | 'unknown'; key: string } {
  const caller = callerOf(call.getAuthContext().sslPeerCertificate);
  if (caller === undefined) return { kind: 'unknown', key: addressGroup(peerAddress(call)) };
  return { kind: caller.role, key: `${caller.role}:${caller.id}` };
}

function tooMany(most: number): HoldfastError {
  return new HoldfastError({
    kind: 'RateLimited',
    code: 'TOO_MANY_CALLS',
    message: `One caller may have ${most} calls under way at a time.`,
  });
}

function tooSlow(): HoldfastError {
  return new HoldfastError({ kind: 'Timeout', code: 'REQUEST_STALLED', message: 'The request did not come in time.' });
}
