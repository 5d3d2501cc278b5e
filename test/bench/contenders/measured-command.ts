import { spawn } from 'node:child_process';
import { endedChildrenCpuSeconds, peaksOfTree, sum, watchingPeaks } from '../usage.js';
import type { Measurement } from './contender.js';
import type { LoopbackSsh } from './loopback-ssh.js';

const KEPT_OUTPUT = 4000;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that mean that all but some files were dealt with. */
  readonly partial?: readonly number[];
  readonly signal: AbortSignal;
}

/** Runs a program to its end and answers the end of what it said; rejects with that if it ends badly. */
export function run(
  { program, args, cwd, env, partial, signal }: Command,
  onStart?: (pid: number) => void,
): Promise<string> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      signal,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid !== undefined) onStart?.(child.pid);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => {
        output = (output + data.toString('utf8')).slice(-KEPT_OUTPUT);
      });
    }
    let failure: Error | undefined;
    child.once('error', (error) => {
      failure = error;
      if (child.pid === undefined) reject(error);
    });
    child.once('close', (code, killedBy) => {
      if (failure !== undefined) reject(failure);
      else if (code === 0 || (code !== null && partial?.includes(code))) resolve(output);
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code ?? killedBy}: ${output.trim()}`));
    });
  });
}

/**
 * The same, with what it cost: its own CPU and that of the processes that it waited for, and over ssh also that of the
 * receiving half. Nothing else that this process has started may end meanwhile.
 */
export async function runMeasured(command: Command, ssh?: LoopbackSsh): Promise<Measurement> {
  const before = { own: endedChildrenCpuSeconds(), remote: sum(ssh?.family.cpuSeconds() ?? {}) };
  let pid: number | undefined;
  const readPeaks = () => [
    ...(pid === undefined ? [] : peaksOfTree(pid)),
    ...(ssh === undefined ? [] : peaksOfTree(ssh.pid, 'remote ')),
  ];
  const { result, rss } = await watchingPeaks(readPeaks, async () => {
    const started = performance.now();
    await run(command, (started) => {
      pid = started;
    });
    return (performance.now() - started) / 1000;
  });
  const own = endedChildrenCpuSeconds() - before.own;
  await ssh?.drained();
  const remote: Record<string, number> =
    ssh === undefined ? {} : { remote: sum(ssh.family.cpuSeconds()) - before.remote };
  return { seconds: result, cpu: { [command.program]: own, ...remote }, rss };
}
