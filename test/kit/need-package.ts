import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface NeededPackage {
  /** What does not run without it, as the report names it: "Backup Center in Chromium". */
  what: string;
  /** Debian packages that bring it. */
  packages: readonly string[];
  /** True once it is usable. */
  isThere: () => boolean;
}

/** Where `npm test` collects what could not run; without it the line goes to stderr. */
export const NOT_RUN_FILE = 'HOLDFAST_NOT_RUN_FILE';

/**
 * Makes a Debian package's program available, as root by installing it. Returns false when it is not there and cannot be
 * installed; the tests that need it are then skipped and reported.
 * @throws Error instead of returning false when `CI=true`
 */
export function needPackage(needed: NeededPackage): boolean {
  if (needed.isThere()) return true;
  const install = `apt-get install -y --no-install-recommends ${needed.packages.join(' ')}`;
  const failure = process.getuid?.() === 0 ? installAsRoot(install) : 'needs root';
  if (failure === undefined && needed.isThere()) return true;
  reportNotRun(needed.what, `install with: sudo ${install}`, failure);
  return false;
}

/** @throws Error when `CI=true`: there, nothing may be left out */
export function reportNotRun(what: string, remedy: string, reason?: string): void {
  const line = `NOT RUN: ${what} — ${remedy}`;
  const file = process.env[NOT_RUN_FILE];
  if (file) appendFileSync(file, `${line}\n`);
  else console.error(line);
  if (process.env.CI === 'true') throw new Error(reason ? `${line} (${reason})` : line);
}

/** Debian's way to install a package without starting its services, which nobody asked for. */
const WITHOUT_SERVICES = `policy=/usr/sbin/policy-rc.d
[ -e $policy ] || { trap 'rm -f $policy' EXIT; printf '#!/bin/sh\\nexit 101\\n' > $policy; chmod 755 $policy; }`;

/** The reason why it failed, or undefined. Test files run in parallel: a lock keeps their calls of apt-get apart. */
function installAsRoot(install: string): string | undefined {
  const script = `${WITHOUT_SERVICES}\napt-get update -qq && ${install}`;
  const { status, stderr, error } = spawnSync('flock', [join(tmpdir(), 'holdfast-apt.lock'), 'sh', '-c', script], {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (error) return error.message;
  return status === 0 ? undefined : stderr.trim().split('\n').slice(-3).join('; ');
}
