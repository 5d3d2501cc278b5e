// Lints the .proto files and compares them with the committed baseline. A breaking change is accepted by renewing the
// baseline (`pnpm proto:baseline`) in one commit with a line in CHANGELOG.md; a renewal without that line fails here.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const BASELINE = 'proto/baseline.binpb';
const CHANGELOG = 'CHANGELOG.md';
const problems = [];

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  return { ok: status === 0, output: error?.message ?? `${stdout}${stderr}`.trim(), stdout };
}
const buf = (...args) => run(join(folder, 'node_modules', '.bin', 'buf'), args, folder);
const git = (...args) => {
  const result = run('git', args, join(folder, '..'));
  if (!result.ok) throw new Error(`git ${args[0]}: ${result.output}`);
  return result.stdout.trim();
};

const lint = buf('lint');
if (!lint.ok) problems.push(`buf lint:\n${lint.output}`);

if (!existsSync(join(folder, 'baseline.binpb'))) {
  problems.push(`${BASELINE} is missing`);
} else {
  const breaking = buf('breaking', '--against', 'baseline.binpb');
  if (!breaking.ok) {
    problems.push(
      `these changes break what already exists:\n${breaking.output}\nIf that is meant, run "pnpm proto:baseline" and name the change in ${CHANGELOG}, in one commit.`,
    );
  }
  if (git('rev-parse', '--is-shallow-repository') === 'true') {
    problems.push('the clone is shallow: the renewals of the baseline cannot be checked');
  }
  const uncommitted = git('status', '--porcelain', '--', BASELINE, CHANGELOG);
  if (uncommitted.includes(BASELINE) && !uncommitted.includes(CHANGELOG)) {
    problems.push(`${BASELINE} is changed and ${CHANGELOG} is not`);
  }
  const commits = git('log', '--format=%x00%h', '--name-only', '--full-diff', '--no-merges', '--', BASELINE).split(
    '\0',
  );
  for (const commit of commits.filter(Boolean)) {
    const [hash, ...files] = commit.split('\n').filter(Boolean);
    if (!files.includes(CHANGELOG)) problems.push(`commit ${hash} changed ${BASELINE} without ${CHANGELOG}`);
  }
}

for (const problem of problems) console.error(`proto: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
