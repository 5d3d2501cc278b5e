// What every root script goes through: makes the checkout ready (packages installed, everything built), then runs the
// target under the pinned Node. Plain JavaScript for Node >= 20 without dependencies; a second run only compares hashes.
// Progress goes to stderr: stdout belongs to the target.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentWithNode, findNode, NODE_MAJOR, root, runInForeground } from './launch.mjs';

const PNPM = 'pnpm@12.21.0';
const PACKAGES = ['proto', 'core', 'schema', 'server', 'agent', 'cli', 'web-client', 'test'];
const CACHE = join(root, '.cache');
const LOCK = join(CACHE, 'setup.lock');

const tool = (name, from = '.') => join(root, from, 'node_modules', '.bin', name);

/** Built in this order; a step runs again when the content of its inputs has changed or its output is gone. */
const buildSteps = [
  {
    name: 'proto',
    inputs: ['proto/holdfast', 'proto/buf.yaml', 'proto/buf.gen.yaml', 'pnpm-lock.yaml'],
    output: 'proto/src/gen/index.ts',
    commands: [{ cwd: 'proto', command: tool('buf', 'proto'), args: ['generate'] }],
  },
  {
    name: 'cli operations',
    inputs: ['cli/src', 'cli/codegen.ts', 'schema/schema.graphql', 'pnpm-lock.yaml'],
    output: 'cli/src/gql/index.ts',
    commands: [{ cwd: 'cli', command: tool('graphql-codegen', 'cli'), args: ['--config', 'codegen.ts', '--silent'] }],
  },
  {
    name: 'code',
    inputs: [
      ...['proto', 'core', 'server', 'agent', 'cli'].flatMap((name) => [`${name}/src`, `${name}/tsconfig.build.json`]),
      ...['kit', 'demo', 'bench', 'faults', 'tsconfig.build.json'].map((name) => `test/${name}`),
      ...PACKAGES.map((name) => `${name}/package.json`),
      'proto/holdfast',
      'proto/buf.gen.yaml',
      'schema/schema.graphql',
      'tsconfig.base.json',
      'tsconfig.build.json',
      'bundle.mjs',
      'pnpm-lock.yaml',
    ],
    output: 'server/bundle/main.js',
    commands: [
      { command: tool('tsc'), args: ['-b', 'tsconfig.build.json'] },
      { command: tool('tsc'), args: ['-p', 'server/tsconfig.build.json'] },
      { command: tool('tsc'), args: ['-p', 'agent/tsconfig.build.json'] },
      { command: 'node', args: ['bundle.mjs'] },
    ],
  },
  {
    name: 'web-client',
    inputs: ['web-client', 'schema/schema.graphql', 'pnpm-lock.yaml'],
    output: 'web-client/dist/index.html',
    commands: [
      {
        cwd: 'web-client',
        command: tool('graphql-codegen', 'web-client'),
        args: ['--config', 'codegen.ts', '--silent'],
      },
      { cwd: 'web-client', command: tool('vite', 'web-client'), args: ['build', '--logLevel', 'warn'] },
    ],
  },
];

/** A built program; it runs where the user is, with the user's arguments, so that relative paths mean what they say. */
const program = (file, ...args) => [{ file, args }];
const LINTERS = [
  { command: tool('biome'), args: ['ci', '--error-on-warnings', '.'] },
  { command: tool('depcruise'), args: ['--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...PACKAGES] },
  { command: tool('knip'), args: [] },
  { command: tool('eslint'), args: ['.', '--max-warnings', '0'] },
];
const TYPES = [
  { command: tool('tsc'), args: ['-p', 'tsconfig.json'] },
  { command: tool('tsc'), args: ['-p', 'web-client/tsconfig.json'] },
];

/** Commands of each target; all run, and the first failing exit code is the target's. */
const targets = {
  build: [],
  start: program('server/bundle/main.js'),
  demo: program('test/dist/demo/main.js'),
  bench: program('test/dist/bench/main.js'),
  test: program('test/dist/kit/run-tests.js'),
  'test:long': program('test/dist/kit/run-tests.js', '--project', 'long'),
  lint: LINTERS,
  typecheck: TYPES,
  contracts: [...program('proto/check.mjs'), ...program('schema/check.mjs')],
};

const say = (line) => process.stderr.write(`${line}\n`);

function* filesUnder(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) yield path;
  else {
    for (const name of readdirSync(path).sort()) {
      if (!['node_modules', 'dist', 'gen', 'gql'].includes(name) && !/\.test\.tsx?$/.test(name)) {
        yield* filesUnder(join(path, name));
      }
    }
  }
}

function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of filesUnder(join(root, path))) {
      hash.update(`${relative(root, file)}\0`).update(createHash('sha256').update(readFileSync(file)).digest());
    }
  }
  return hash.digest('hex');
}

const readText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** Runs a preparing command with its output on stderr. */
async function prepare(command, args, cwd = '.') {
  const code = await new Promise((resolve, reject) => {
    const stdio = ['ignore', process.stderr, process.stderr];
    const child = spawn(command, args, { cwd: join(root, cwd), stdio, env: environmentWithNode(join(root, cwd)) });
    child.on('error', reject);
    child.on('exit', (status, signal) => resolve(status ?? signal));
  });
  if (code !== 0) throw new Error(`${relative(root, command) || command} ${args.join(' ')} ended with ${code}`);
}

async function install() {
  // Inside node_modules, so that deleting that folder is enough to start afresh.
  const stampFile = join(root, 'node_modules', '.holdfast-installed');
  const stamp = hashOf([
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    ...PACKAGES.map((name) => `${name}/package.json`),
  ]);
  if (readText(stampFile) === stamp) return;
  say('holdfast: installing packages');
  rmSync(stampFile, { force: true });
  // The answer to pnpm's only question, whether it may replace a node_modules that another tool made.
  await prepare('npx', ['--yes', PNPM, 'install', '--frozen-lockfile', '--config.confirm-modules-purge=false']);
  writeFileSync(stampFile, stamp);
}

async function build() {
  for (const step of buildSteps) {
    const stampFile = join(CACHE, `built-${step.name}`);
    const stamp = hashOf(step.inputs);
    if (readText(stampFile) === stamp && readText(join(root, step.output)) !== undefined) continue;
    say(`holdfast: building ${step.name}`);
    rmSync(stampFile, { force: true });
    for (const { command, args, cwd } of step.commands) await prepare(command, args, cwd);
    writeFileSync(stampFile, stamp);
  }
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** Removes a lock whose owner is gone. The folder is the lock's own lock: only its maker may remove what it did not make. */
function breakLockOf(pid) {
  const guard = `${LOCK}.breaking`;
  try {
    mkdirSync(guard);
  } catch {
    return;
  }
  try {
    if (Number(readText(LOCK)) === pid) rmSync(LOCK, { force: true });
    rmSync(`${LOCK}.${pid}`, { force: true });
  } finally {
    rmdirSync(guard);
  }
}

/** Resolves once LOCK is a link to the file `mine`: taken atomically, and never seen empty. */
async function acquire(mine) {
  for (let waited = false; ; ) {
    try {
      linkSync(mine, LOCK);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = Number(readText(LOCK));
    if (owner && !isAlive(owner)) breakLockOf(owner);
    else if (!waited) {
      waited = true;
      say(`holdfast: process ${owner} is preparing this checkout, waiting (lock: ${relative(process.cwd(), LOCK)})`);
    }
    await sleep(200);
  }
}

/** One setup at a time in this checkout; the others wait. */
async function underLock(work) {
  mkdirSync(CACHE, { recursive: true });
  const mine = `${LOCK}.${process.pid}`;
  let held = false;
  const cleanUp = () => {
    rmSync(mine, { force: true });
    if (held) rmSync(LOCK, { force: true });
  };
  const leave = (signal) => process.exit(128 + constants.signals[signal]);
  process.on('exit', cleanUp).on('SIGINT', leave).on('SIGTERM', leave);
  try {
    writeFileSync(mine, String(process.pid));
    await acquire(mine);
    held = true;
    return await work();
  } finally {
    process.off('exit', cleanUp).off('SIGINT', leave).off('SIGTERM', leave);
    cleanUp();
  }
}

async function runTool({ command, args }) {
  const code = await runInForeground(command, args, { cwd: root, env: environmentWithNode() });
  if (code !== 0) say(`holdfast: ${relative(root, command)} ${args.join(' ')} ended with ${code}`);
  return code;
}

function runProgram({ file, args }, userArgs) {
  const underNpm = process.env.npm_package_json === join(root, 'package.json');
  const cwd = (underNpm && process.env.INIT_CWD) || process.cwd();
  return runInForeground(findNode(), [join(root, file), ...args, ...userArgs], { cwd, env: environmentWithNode() });
}

async function main([name, ...args]) {
  const commands = Object.hasOwn(targets, name ?? '') ? targets[name] : undefined;
  if (!commands) throw new Error(`usage: node bootstrap.mjs ${Object.keys(targets).join('|')} [ARGUMENT...]`);
  await underLock(async () => {
    await install();
    if (!findNode()) {
      throw new Error(
        `this platform (${process.platform} ${process.arch}) has no pinned Node: install Node ${NODE_MAJOR} or newer and run again`,
      );
    }
    await build();
  });
  let exitCode = 0;
  for (const step of commands) {
    const code = await (step.file ? runProgram(step, args) : runTool(step));
    exitCode ||= code;
    if (code > 128) break;
  }
  process.exitCode = exitCode;
}

main(process.argv.slice(2)).catch((error) => {
  say(`holdfast: ${error.message}`);
  process.exitCode = 1;
});
