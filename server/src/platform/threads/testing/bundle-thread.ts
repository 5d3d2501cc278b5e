import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build, type Rolldown } from 'vite';

/**
 * How a test starts a thread from the sources: bundled in the test's own thread, so that the new one runs plain JavaScript,
 * as it does once it is built. To translate TypeScript in the thread itself is not safe. Node's type stripping is WebAssembly,
 * and the V8 of Node 24 frees WebAssembly's import wrappers twice when threads come and go (nodejs/node#66366); a native
 * translator does not survive that its thread is terminated. Either takes the whole process down.
 */
export async function bundleThread(entry: URL): Promise<() => Worker> {
  const { output } = (await build({
    configFile: false,
    logLevel: 'silent',
    ssr: { noExternal: true, resolve: { conditions: ['holdfast-source'] } },
    build: { ssr: fileURLToPath(entry), write: false },
  })) as Rolldown.RolldownOutput;
  const [bundle] = output;
  const address = new URL(`data:text/javascript;base64,${Buffer.from(bundle.code).toString('base64')}`);
  return () => new Worker(address, { name: 'bundled' });
}
