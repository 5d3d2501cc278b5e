import { performance } from 'node:perf_hooks';
import type { Clock, Timers } from '@holdfast/core/clock';
import { Turns } from '../turns.js';

/** Of one user, over HTTP and WebSocket together; the time is what control's thread works for them: 20 s, then 40 % of it. */
const LIMITS_OF_A_USER = {
  atOnce: 4,
  patientAtOnce: 1,
  waiting: 128,
  patienceMs: 20_000,
  time: { burst: 20_000, perSecond: 400 },
};

export function createOperationTurns(ports: { readonly clock: Clock; readonly timers: Timers }): Turns {
  return new Turns(LIMITS_OF_A_USER, { ...ports, busy: () => performance.eventLoopUtilization().active });
}

/** What an operation of this cost can take of the thread, also on a slow machine. */
export function mostTimeOf(cost: number): number {
  return 10 + cost / 50;
}
