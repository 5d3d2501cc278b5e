// Makes the programs that run: each program's compiled code and its libraries in a few files, because loading a module
// costs the same for ten lines as for a thousand. Threads are entries of their own, next to the code that starts them.
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

// Native code cannot move, and all that speak GraphQL must share one graphql.
const EXTERNAL = [/^better-sqlite3$/, /^koffi$/, /^graphql(\/|$)/];

for (const name of ['server', 'agent', 'cli']) {
  const cwd = fileURLToPath(new URL(name, import.meta.url));
  const threads = globSync('dist/**/*.worker.js', { cwd }).map((file) => [basename(file, '.js'), file]);
  const bundle = await rolldown({
    cwd,
    input: { main: 'dist/main.js', ...Object.fromEntries(threads) },
    platform: 'node',
    external: EXTERNAL,
  });
  await bundle.write({
    dir: 'bundle',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    cleanDir: true,
    // The ORM and the schema go by the names of classes.
    keepNames: true,
  });
  await bundle.close();
}
