import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const shared = {
  // Workspace packages resolve to their sources, so that no test run waits for a build.
  resolve: {
    conditions: ['holdfast-source'],
    // vite would take graphql's "module" build while packages loaded by Node take the CommonJS one: two copies do not mix.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
  },
  ssr: { resolve: { conditions: ['holdfast-source'] } },
};
// They hold rates and delays to their word, so nothing else may run beside them.
const timed = ['test/kit/link/**/*.test.ts', 'test/faults/link/**/*.test.ts'];
const exclude = [...configDefaults.exclude, '**/dist/**', '**/*.long.test.ts'];
const cores = availableParallelism();
// Time-outs end what hangs. They are not bounds on speed, which a busy machine would break: a test that has one states it.
const unit = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  expect: { poll: { timeout: 10_000 } },
  maxWorkers: Math.max(2, cores - 1),
  // Files share the modules that their worker has loaded: loading them anew took as long as the tests themselves.
  isolate: false,
};
// These mostly wait, for processes, browsers and the clock: more of them than cores.
const endToEnd = {
  testTimeout: 240_000,
  hookTimeout: 240_000,
  // What is asked is a server at work, which every question slows down.
  expect: { poll: { timeout: 20_000, interval: 200 } },
  maxWorkers: Math.max(5, Math.floor(cores / 2)),
};

/** Files that take minutes, the longest first. In a fresh clone Vitest would begin with large files, and end with one worker alone with the longest. */
const LONGEST = [
  'crash-',
  'web/backup-center',
  'web/overview',
  'full-disk',
  'server-process',
  'hostile-agent',
  'main-path',
  'schedule',
  'vault-service',
  'data-transport',
  'simulation.test',
  'job-flow',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.includes(name));
      return place < 0 ? LONGEST.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

// Unit tests run first, so that they do not disturb what end-to-end tests wait for.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: [
            '{core,proto,server,agent,cli,web-client}/src/**/*.test.{ts,tsx}',
            'test/{kit,compat,bench,fuzz,simulation}/**/*.test.ts',
          ],
          exclude: [...exclude, ...timed],
          ...unit,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['test/{e2e,faults}/**/*.test.ts'],
          exclude: [...exclude, ...timed],
          ...endToEnd,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...shared,
        test: { name: 'web', include: ['test/web/**/*.test.ts'], exclude, ...endToEnd, sequence: { groupOrder: 1 } },
      },
      {
        ...shared,
        test: {
          name: 'link',
          include: timed,
          exclude,
          ...endToEnd,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        ...shared,
        test: {
          name: 'long',
          include: ['**/*.long.test.ts'],
          exclude: [...configDefaults.exclude, '**/dist/**'],
          testTimeout: 3_600_000,
          // Some hold delays to their word, as those of the link do.
          fileParallelism: false,
          hookTimeout: endToEnd.hookTimeout,
          expect: endToEnd.expect,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
