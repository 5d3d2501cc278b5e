// Runs a program under a Node that is new enough, whatever `node` the calling shell has. Plain JavaScript for Node >= 20.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(fileURLToPath(import.meta.url));
export const NODE_MAJOR = 24;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

const major = (version) => Number.parseInt(version.replace(/^v/, ''), 10);

/** The folder of the pinned Node, or undefined where no pinned build exists for this platform. */
export function pinnedNodeFolder() {
  const folder = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
  return existsSync(join(folder, 'node')) ? folder : undefined;
}

/** The Node to run the product with; undefined when neither the pinned one nor a new enough one is there. */
export function findNode() {
  const pinned = pinnedNodeFolder();
  if (pinned) return join(pinned, 'node');
  return major(process.version) >= NODE_MAJOR ? process.execPath : undefined;
}

/** Runs a command in the foreground with the caller's stdio; resolves to its exit code, or to 128 + n when signal n ended it. */
export function runInForeground(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    const forward = (signal) => {
      // A terminal sends its Ctrl-C to the whole foreground group, so the child has had it already.
      const fromTerminal = (signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY;
      if (!fromTerminal) child.kill(signal);
    };
    for (const signal of SIGNALS) process.on(signal, forward);
    const settle = (how) => {
      for (const signal of SIGNALS) process.off(signal, forward);
      how();
    };
    child.on('error', (error) => settle(() => reject(error)));
    child.on('exit', (code, signal) => settle(() => resolve(code ?? 128 + constants.signals[signal])));
  });
}

/** The caller's environment with the pinned Node, and the tools of the package in `folder`, first on the path. */
export function environmentWithNode(folder = root) {
  const tools = [...new Set([folder, root])].map((owner) => join(owner, 'node_modules', '.bin'));
  const path = [pinnedNodeFolder(), ...tools, process.env.PATH].filter(Boolean).join(delimiter);
  return { ...process.env, PATH: path };
}

/**
 * Starts the built program at `entry` (a file URL) with this process's arguments, under flags of V8 that count only from the very start.
 */
export async function launch(entry, v8Flags = []) {
  const program = fileURLToPath(entry);
  const node = findNode();
  if (!node || !existsSync(program)) {
    const missing = node ? `${relative(root, program)} is not built` : `Node ${NODE_MAJOR} or newer is not installed`;
    console.error(`${missing}: run "npm run build" once in ${root}`);
    process.exitCode = 1;
    return;
  }
  const isNew = major(process.version) >= NODE_MAJOR;
  if (isNew && v8Flags.every((flag) => process.execArgv.includes(flag))) {
    process.argv[1] = program;
    await import(pathToFileURL(program).href);
    return;
  }
  const args = [...process.execArgv, ...v8Flags, program, ...process.argv.slice(2)];
  // The same process goes on, so that signals and its number stay what whoever started it knows.
  if (isNew && process.execve) process.execve(process.execPath, [process.execPath, ...args], process.env);
  process.exitCode = await runInForeground(node, args);
}
