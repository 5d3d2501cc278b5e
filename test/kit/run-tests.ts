// `npm test [FILTER...]`: every project under one vitest, with what they need around them, and one closing line.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCLI, startVitest } from 'vitest/node';
import { NOT_RUN_FILE } from './need-package.js';
import { startPostgres } from './postgres.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const DEFAULT_PROJECTS = ['unit', 'e2e', 'web', 'link'];

async function runTests(args: readonly string[]): Promise<Tally> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  process.chdir(root);
  const project = options.project ?? DEFAULT_PROJECTS;
  const vitest = await startVitest('test', filter, { ...options, root, project, watch: false, passWithNoTests: true });
  const tally: Tally = { passed: 0, failed: vitest.state.getUnhandledErrors().length, skipped: 0 };
  for (const module of vitest.state.getTestModules()) {
    if (module.errors().length > 0) tally.failed += 1;
    for (const suite of module.children.allSuites()) if (suite.errors().length > 0) tally.failed += 1;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') tally.passed += 1;
      else if (state === 'failed') tally.failed += 1;
      else tally.skipped += 1;
    }
  }
  await vitest.close();
  return tally;
}

/** `--minutes M` and `--seed S` are for the long tests, which read them from the environment; the rest is vitest's. */
function takeLongTestOptions(args: readonly string[]): string[] {
  const rest: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const name = { '--minutes': 'HOLDFAST_TEST_MINUTES', '--seed': 'HOLDFAST_TEST_SEED' }[args[index] ?? ''];
    if (name === undefined) rest.push(args[index] ?? '');
    else {
      index += 1;
      process.env[name] = args[index];
    }
  }
  return rest;
}

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

async function main(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-tests-'));
  const notRun = join(scratch, 'not-run');
  process.env[NOT_RUN_FILE] = notRun;
  const postgres = process.env.HOLDFAST_TEST_POSTGRES ? undefined : await startPostgres();
  if (postgres) process.env.HOLDFAST_TEST_POSTGRES = postgres.url;
  try {
    const tally = await runTests(takeLongTestOptions(process.argv.slice(2)));
    if (existsSync(notRun))
      for (const line of new Set(readFileSync(notRun, 'utf8').trim().split('\n'))) console.log(line);
    if (tally.passed + tally.failed === 0) {
      console.error('no test ran');
      process.exitCode = 1;
    }
    const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
    console.log(`${tally.passed} passed, ${tally.failed} failed${skipped}`);
    if (tally.failed > 0) process.exitCode = 1;
  } finally {
    await postgres?.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

await main();
