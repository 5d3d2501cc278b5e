import type { Logger } from 'pino';

/** Structured log; fields first, then the stable name of the event (`job.claimed`), never a sentence with values in it. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;
