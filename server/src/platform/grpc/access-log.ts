import type { ServerInterceptor } from '@grpc/grpc-js';
import { ServerInterceptingCall, status } from '@grpc/grpc-js';
import type { Clock } from '@holdfast/core/clock';
import type { Log } from '../telemetry/log.js';
import type { AuthenticatedCall } from './caller.js';
import { callerFromCertificate } from './caller.js';

/** One line per call when it ends: who, what, how it ended. Never a message or metadata: those hold tokens and keys. */
export function accessLog(log: Log, clock: Clock): ServerInterceptor {
  return (method, call) => {
    const started = clock.monotonic();
    return new ServerInterceptingCall(call, {
      sendStatus(answer, next) {
        log.info(
          {
            method: method.path,
            peer: call.getPeer(),
            caller: describe(call),
            status: status[answer.code],
            ms: Math.round(clock.monotonic() - started),
          },
          'grpc.call',
        );
        next(answer);
      },
    });
  };
}

function describe(call: AuthenticatedCall): string | undefined {
  try {
    const { role, id } = callerFromCertificate(call);
    return `${role}:${id}`;
  } catch {
    return undefined;
  }
}
