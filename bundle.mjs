// Makes the programs that run: each program's compiled code and its libraries in a few files, because loading a module
// costs the same for ten lines as for a thousand. Threads are entries of their own, next to the code that starts them.
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const PROGRAMS = {
  server: { main: 'main.js', 'opening.worker': 'features/vaults/opening/opening.worker.js' },
  agent: {
    main: 'main.js',
    'lane.worker': 'jobs/backup/lanes/lane.worker.js',
    'restore.worker': 'jobs/restore/thread/restore.worker.js',
    'writer.worker': 'jobs/restore/writers/writer.worker.js',
  },
  cli: { main: 'main.js' },
};

// Native code cannot move, and all that speak GraphQL must share one graphql.
const EXTERNAL = [/^better-sqlite3$/, /^koffi$/, /^graphql(\/|$)/, /^graphql-query-complexity$/];

for (const [name, entries] of Object.entries(PROGRAMS)) {
  const input = Object.fromEntries(Object.entries(entries).map(([entry, file]) => [entry, `dist/${file}`]));
  const bundle = await rolldown({
    cwd: fileURLToPath(new URL(name, import.meta.url)),
    input,
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
