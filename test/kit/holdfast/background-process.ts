/** A Holdfast program in the background: its output is kept, and it never outlives the test. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { programFile } from './repository.js';

type Program = Parameters<typeof programFile>[0];

const KEPT_LINES = 400;
const STOP_MS = 15_000;
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class BackgroundProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #lines: string[] = [];
  readonly #exited: Promise<number | string>;
  #ended = false;

  constructor(
    program: Program,
    args: readonly string[],
    options: { env?: NodeJS.ProcessEnv; input?: string; onLine?: (line: string, stream: 'out' | 'err') => void } = {},
  ) {
    this.#name = program;
    this.#child = spawn(process.execPath, [programFile(program), ...args], {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    this.#child.stdin?.end(options.input);
    running.add(this.#child);
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) => resolve(signal ?? code ?? -1));
    });
    void this.#exited.then(() => {
      this.#ended = true;
      running.delete(this.#child);
    });
    for (const stream of ['out', 'err'] as const) {
      const source = stream === 'out' ? this.#child.stdout : this.#child.stderr;
      if (source === null) continue;
      createInterface({ input: source }).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > KEPT_LINES) this.#lines.shift();
        options.onLine?.(line, stream);
      });
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#name} did not start`);
    return this.#child.pid;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get output(): string {
    return this.#lines.join('\n');
  }

  /** Resolves to the exit code, or the name of the signal. */
  get exited(): Promise<number | string> {
    return this.#exited;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until `accept` answers something for a line of either stream; rejects with the output when the program ends first. */
  async waitForLine<T>(accept: (line: string) => T | undefined, timeoutMs: number): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    let seen = 0;
    for (;;) {
      for (; seen < this.#lines.length; seen += 1) {
        const answer = accept(this.#lines[seen] ?? '');
        if (answer !== undefined) return answer;
      }
      if (this.#ended) throw new Error(`${this.#name} ended with ${await this.#exited}:\n${this.output}`);
      if (performance.now() > deadline)
        throw new Error(`${this.#name} was not ready after ${timeoutMs} ms:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; `input` is all that it finds on its standard input. */
export function runProgram(
  program: Program,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  input = '',
): Promise<ProgramResult> {
  return run(process.execPath, [programFile(program), ...args], env, input);
}

/** Runs the command line at a terminal of its own (script, of util-linux), whose two streams are one; `input` is what is typed. */
export function atTerminal(args: readonly string[], env: NodeJS.ProcessEnv, input: string): Promise<ProgramResult> {
  const command = [process.execPath, programFile('holdfast'), ...args].map((word) => `'${word}'`).join(' ');
  return run('script', ['--quiet', '--return', '--command', command, '/dev/null'], env, input);
}

async function run(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input: string,
): Promise<ProgramResult> {
  try {
    const running = promisify(execFile)(file, args, {
      env: { ...process.env, ...env },
      maxBuffer: 64 << 20,
    });
    running.child.stdin?.end(input);
    const { stdout, stderr } = await running;
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr, message } = error as {
      code?: number;
      stdout?: string;
      stderr?: string;
      message: string;
    };
    return { code: typeof code === 'number' ? code : -1, stdout: stdout ?? '', stderr: stderr ?? message };
  }
}
