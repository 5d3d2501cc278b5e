import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const tests = ['**/*.test.ts', '**/*.test.tsx'];

// Pure code gets its time and randomness as arguments. The two files named in `sources` are what the programs pass in.
const pure = ['core/src/**', 'server/src/**/domain/**'];
const sources = ['core/src/clock/system-clock.ts', 'core/src/ids/random.ts'];

const ambientTimeAndChance = {
  properties: [
    { object: 'Date', property: 'now' },
    { object: 'performance', property: 'now' },
    { object: 'process', property: 'hrtime' },
    { object: 'process', property: 'uptime' },
    { object: 'Temporal', property: 'Now' },
    { object: 'Math', property: 'random' },
    { object: 'crypto', property: 'getRandomValues' },
    { object: 'crypto', property: 'randomUUID' },
  ].map((entry) => ({ ...entry, message: 'The caller passes in the clock and the random source.' })),
  syntax: [
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'The caller passes in the time.' },
    { selector: "CallExpression[callee.name='Date']", message: 'The caller passes in the time.' },
  ],
  imports: [
    {
      name: 'node:crypto',
      importNames: [
        'default',
        'generateKey',
        'generateKeyPair',
        'generateKeyPairSync',
        'generateKeySync',
        'randomBytes',
        'randomFill',
        'randomFillSync',
        'randomInt',
        'randomUUID',
        'randomUUIDv7',
        'webcrypto',
      ],
      message: 'The caller passes in the random source.',
    },
    { name: 'node:perf_hooks', importNames: ['performance', 'default'], message: 'The caller passes in the clock.' },
    { name: 'node:timers/promises', message: 'The caller passes in the clock, which also sleeps.' },
  ],
};

const environment = { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' };
const environmentImport = { name: 'node:process', importNames: ['env', 'default'], message: environment.message };

export default defineConfig(
  {
    ignores: [
      '**/dist/**',
      '**/gen/**',
      '**/gql/**',
      '**/*.mjs',
      '**/*.cjs',
      '**/*.js',
      '**/*.config.ts',
      '**/codegen.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/unbound-method': 'off', // objects of functions are ports here, and none of them reads `this`
      // Ports are asynchronous; a fake or a simple implementation may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-restricted-properties': ['error', environment],
      'no-restricted-imports': ['error', { paths: [environmentImport] }],
    },
  },
  {
    files: pure,
    ignores: [...tests, ...sources],
    rules: {
      'no-restricted-properties': ['error', environment, ...ambientTimeAndChance.properties],
      'no-restricted-syntax': ['error', ...ambientTimeAndChance.syntax],
      'no-restricted-imports': ['error', { paths: [environmentImport, ...ambientTimeAndChance.imports] }],
    },
  },
  {
    files: ['**/config.ts', 'test/**', ...tests],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-imports': 'off' },
  },
  {
    // Tests read answers of the public doors, which are JSON of any shape; a wrong guess fails the test.
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
