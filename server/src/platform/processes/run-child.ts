import { asHoldfastError } from '@holdfast/core/errors';
import type { Log } from '../telemetry/log.js';
import type { ParentChannel } from './parent-channel.js';

const LAST_MS = 25_000;
const ORPHAN_MS = 3_000;

/**
 * Runs one child from start to end: it stops when the supervisor says so, when a signal asks for it, and when the
 * supervisor is gone. A start that fails for a reason that a restart would not change is told to the supervisor.
 */
export function runChild(channel: ParentChannel, log: Log, start: () => Promise<{ stop(): Promise<void> }>): void {
  const starting = start();
  let stopping = false;

  const stop = (deadlineMs: number, leave: (exitCode: number) => void): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(dieAtOnce, deadlineMs).unref();
    starting
      .then((running) => running.stop())
      .then(
        () => leave(0),
        (error: unknown) => {
          log.error({ err: error }, 'process.stop-failed');
          leave(1);
        },
      );
  };
  const exit = (exitCode: number): void => process.exit(exitCode);

  channel.onMessage((message) => {
    if (message.type === 'shutdown') stop(LAST_MS, exit);
  });
  channel.onGone(() => stop(ORPHAN_MS, dieAtOnce));
  process.on('SIGTERM', () => stop(LAST_MS, exit));
  // A Ctrl-C goes to the whole group; the supervisor decides what it means.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);

  starting.catch(async (thrown: unknown) => {
    if (stopping) return;
    const error = asHoldfastError(thrown);
    // A defect is worth another try and leaves its trace in the log; the rest is for the operator to change.
    if (error.kind === 'Internal') log.error({ err: thrown }, 'process.start-failed');
    else await channel.send({ type: 'start-failed', message: error.message });
    process.exit(1);
  });
}

/** An exit waits for the threads that read files; one that waits for a disk that does not answer would keep the process for ever. */
function dieAtOnce(): void {
  process.kill(process.pid, 'SIGKILL');
}
