import type { ServerInterceptor } from '@grpc/grpc-js';
import { ServerInterceptingCall, status } from '@grpc/grpc-js';
import type { Clock } from '@holdfast/core/clock';
import { addressGroup } from '../address-group.js';
import { Pace, type PaceLimits } from '../pace.js';
import type { Log } from '../telemetry/log.js';
import type { AuthenticatedCall } from './caller.js';
import { callerFromCertificate } from './caller.js';
import { peerAddress } from './peer-address.js';

/** Lines about calls of one caller to one method that end alike; a backup makes hundreds of such calls a second, and so can anybody. */
const LINES: PaceLimits = { burst: 20, perSecond: 1 };
const MOST_COUNTED = 10_000;

/**
 * A line per call when it ends: who, what, how it ended. Never a message or metadata: those hold tokens and keys. Of calls that
 * follow each other fast, some have a line, which says how many before it had none (`unlogged`).
 */
export function accessLog(log: Log, clock: Clock): ServerInterceptor {
  const lines = new Lines(clock);
  return (method, call) => {
    const started = clock.monotonic();
    return new ServerInterceptingCall(call, {
      sendStatus(answer, next) {
        const caller = describe(call);
        const who = caller ?? addressGroup(peerAddress(call));
        const unlogged = lines.admit(`${who} ${method.path} ${answer.code}`);
        if (unlogged !== undefined) {
          log.info(
            {
              method: method.path,
              peer: call.getPeer(),
              caller,
              status: status[answer.code],
              ms: Math.round(clock.monotonic() - started),
              ...(unlogged > 0 && { unlogged }),
            },
            'grpc.call',
          );
        }
        next(answer);
      },
    });
  };
}

class Lines {
  private readonly pace: Pace;
  private readonly unlogged = new Map<string, number>();

  constructor(clock: Clock) {
    this.pace = new Pace(LINES, clock);
  }

  /** How many had no line since the last that had one; undefined if this one has none either. */
  admit(key: string): number | undefined {
    const before = this.unlogged.get(key) ?? 0;
    this.unlogged.delete(key);
    if (this.pace.allows(key)) return before;
    this.unlogged.set(key, before + 1);
    if (this.unlogged.size > MOST_COUNTED) this.unlogged.delete(this.unlogged.keys().next().value ?? '');
    return undefined;
  }
}

function describe(call: AuthenticatedCall): string | undefined {
  try {
    const { role, id } = callerFromCertificate(call);
    return `${role}:${id}`;
  } catch {
    return undefined;
  }
}
