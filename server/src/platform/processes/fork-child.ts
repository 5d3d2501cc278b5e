import { fork } from 'node:child_process';
import type { ProcessMessage } from '../process-channel.js';
import type { BoundAddresses, ChildHandle, ChildRole } from './supervisor.js';

/** What streams through it counts towards its heap, which is not collected in full before it has this. */
const GATEWAY_FLAGS = ['--initial-old-space-size=96'];

/** Starts this very program again in a role. Its stdout goes to our stderr: ours is for the ready line alone. */
export function forkChild(
  program: string,
  args: readonly string[],
  role: ChildRole,
  bound: BoundAddresses,
  env: NodeJS.ProcessEnv,
): ChildHandle {
  const pinned = Object.entries({
    '--http': bound.http,
    '--grpc': bound.grpc,
    '--enroll-grpc': bound.enrollGrpc,
    '--data-grpc': bound.dataGrpc,
  });
  const again = pinned.flatMap(([option, value]) => (value === undefined ? [] : [option, value]));
  const child = fork(program, [...args, ...again, '--role', role], {
    stdio: ['ignore', 2, 2, 'ipc'],
    env,
    execArgv: [...process.execArgv, ...(role === 'gateway' ? GATEWAY_FLAGS : [])],
  });
  return {
    send(message) {
      // A child that is just ending cannot be told anything any more; its exit follows.
      if (child.connected) child.send(message, () => undefined);
    },
    onMessage: (listener) => void child.on('message', (message) => listener(message as ProcessMessage)),
    onExit(listener) {
      child.once('exit', (code, signal) => listener(signal === null ? `code ${code}` : `signal ${signal}`));
      child.once('error', (error) => listener(error.message));
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
