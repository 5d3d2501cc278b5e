import { asHoldfastError } from '@holdfast/core/errors';
import { type DestinationStream, pino } from 'pino';

/** JSON lines on stderr, as the server's are. No secret is ever passed to it: tokens, keys, file contents. */
export interface AgentLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export function createLog(level: string, to: DestinationStream = pino.destination({ dest: 2, sync: true })): AgentLog {
  return pino(
    {
      level,
      base: { process: 'agent' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    to,
  );
}

export const silentLog: AgentLog = { info: () => {}, warn: () => {}, error: () => {} };

/** An error as log facts. */
export function errorFacts(thrown: unknown): {
  readonly kind: string;
  readonly code: string;
  readonly reason: string;
  readonly stack?: string | undefined;
} {
  const error = asHoldfastError(thrown);
  const stack = error.kind === 'Internal' && error.cause instanceof Error ? error.cause.stack : undefined;
  return { kind: error.kind, code: error.code, reason: error.message, ...(stack !== undefined && { stack }) };
}
