import type { ServerInterceptor } from '@grpc/grpc-js';
import { ServerInterceptingCall } from '@grpc/grpc-js';
import type { Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { addressGroup } from '../address-group.js';
import type { AuthenticatedCall, CallerRole } from './caller.js';
import { callerOf } from './caller.js';
import { CountedKeys } from './counted-keys.js';
import { toGrpcStatus } from './errors.js';
import { peerAddress } from './peer-address.js';

/** Calls of one identity at a time, over all its connections; of one address for whoever shows no certificate. */
export type CallLimits = Readonly<Record<CallerRole | 'unknown', number>>;

/** A request of one message has to be there after so long. */
const REQUEST_MS = 120_000;

/**
 * grpc-js gathers a message before any handler sees it. A call beyond its caller's limit is refused before anything of it is
 * read, and one whose request does not come is given up; so the limit times the longest message is what a caller can make
 * this process hold.
 */
export function limitCalls(limits: CallLimits, timers: Timers): ServerInterceptor {
  const underWay = new CountedKeys();
  return (method, call) => {
    const { key, most } = callerKey(call, limits);
    let stopWaiting = (): void => undefined;
    let leave = (): void => undefined;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          // Called once, unless the call is over already; onCancel follows then in any case, however the call ends.
          onReceiveMetadata(metadata, pass) {
            if (!underWay.add(key, most)) return call.sendStatus(toGrpcStatus(tooMany(most)));
            leave = () => underWay.remove(key);
            if (!method.requestStream)
              stopWaiting = timers.after(REQUEST_MS, () => call.sendStatus(toGrpcStatus(tooSlow())));
            pass(metadata);
          },
          onReceiveHalfClose(pass) {
            stopWaiting();
            pass();
          },
          onCancel() {
            stopWaiting();
            leave();
          },
        }),
    });
  };
}

function callerKey(call: AuthenticatedCall & { getPeer(): string }, limits: CallLimits): { key: string; most: number } {
  const caller = callerOf(call.getAuthContext().sslPeerCertificate);
  if (caller === undefined) return { key: addressGroup(peerAddress(call)), most: limits.unknown };
  return { key: `${caller.role}:${caller.id}`, most: limits[caller.role] };
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
