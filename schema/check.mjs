// Emits the SDL from the resolvers and fails when the file that stood there differs.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const server = join(folder, '..', 'server');
const read = () => readFileSync(join(folder, 'schema.graphql'), 'utf8');

const before = read();
const { status } = spawnSync(process.execPath, ['--run', 'schema:emit'], { cwd: server, stdio: 'inherit' });
if (status !== 0 || read() !== before) {
  console.error('schema: schema.graphql differs from what the resolvers emit; look at the change and commit it');
  process.exitCode = 1;
}
