import type { WorkerOptions } from 'node:worker_threads';

// A thread does not have the test runner's loader, so Node itself strips the types, and what is imported as built is looked for as source.
const RESOLVE_SOURCES = `
import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!specifier.endsWith('.js')) throw error;
      return next(specifier.slice(0, -3) + '.ts', context);
    }
  },
});`;

/** Options with which a test starts a thread from the sources. */
export function typescriptThread(): WorkerOptions {
  const loader = `data:text/javascript,${encodeURIComponent(RESOLVE_SOURCES)}`;
  return {
    execArgv: [
      '--conditions=holdfast-source',
      '--experimental-transform-types',
      '--disable-warning=ExperimentalWarning',
      '--import',
      loader,
    ],
  };
}
