import { destination, pino } from 'pino';
import type { Log } from './log.js';

/** Field names whose values never reach a log, at the top or one level down. */
const SECRETS = [
  'password',
  'token',
  'secret',
  'setupCode',
  'key',
  'privateKey',
  'masterKey',
  'recoveryKit',
  'authorization',
  'cookie',
  'passwordHash',
  'tokenHash',
];

/** JSON lines on stderr; `process` tells control from gateway. */
export function createLog(process: string, level: string): Log {
  return pino(
    {
      level,
      base: { process },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((each) => [each, `*.${each}`]), censor: '[redacted]' },
    },
    destination({ fd: 2, sync: true }),
  );
}
