import { configDefaults, defineConfig } from 'vitest/config';

const shared = {
  // Workspace packages resolve to their sources, so that no test run waits for a build.
  resolve: {
    conditions: ['holdfast-source'],
    // vite would take graphql's "module" build while packages loaded by Node take the CommonJS one: two copies do not mix.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
  },
  ssr: { resolve: { conditions: ['holdfast-source'] } },
};
const exclude = [...configDefaults.exclude, '**/dist/**'];

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['{core,proto,server,agent,cli,web-client}/src/**/*.test.{ts,tsx}', 'test/{kit,compat}/**/*.test.ts'],
          exclude,
        },
      },
      {
        ...shared,
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], exclude, testTimeout: 120_000, hookTimeout: 120_000 },
      },
      {
        ...shared,
        test: { name: 'web', include: ['test/web/**/*.test.ts'], exclude, testTimeout: 120_000, hookTimeout: 120_000 },
      },
    ],
  },
});
