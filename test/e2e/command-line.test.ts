import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atTerminal, type ProgramResult, runProgram } from '../kit/holdfast/background-process.js';
import { Fleet } from '../kit/holdfast/fleet.js';

describe('the command line', () => {
  let fleet: Fleet;
  let source: string;
  let environment: NodeJS.ProcessEnv;
  const holdfast = (args: readonly string[], input?: string): Promise<ProgramResult> =>
    runProgram('holdfast', args, environment, input);

  beforeAll(async () => {
    fleet = await Fleet.start({ agents: 1 });
    environment = {
      HOLDFAST_CONFIG_DIR: path.join(fleet.folder, 'config'),
      HOLDFAST_SERVER: fleet.server.addresses.http,
      HOLDFAST_PASSWORD: '',
      HOLDFAST_TOKEN: '',
    };
    await fleet.createVault('main');
    source = fleet.newFolder('source');
    fs.mkdirSync(path.join(source, 'sub'));
    for (const name of ['a', 'b', 'sub/c']) fs.writeFileSync(path.join(source, name), name);
  });

  afterAll(async () => {
    await fleet?.stop();
  });

  it('asks nobody for a password, and says so, where there is nobody to ask', async () => {
    const { code, stdout, stderr } = await holdfast(['login', '--user', 'admin']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('there is no password: standard input is no terminal and holds nothing');
    expect(stderr).toContain('HOLDFAST_PASSWORD');
    expect((await holdfast(['login', '--user', 'admin'], '\n')).code).toBe(2);
  });

  it('says how a forgotten password is replaced, and nothing of whether there is such a user', async () => {
    const refused = await holdfast(['login', '--user', fleet.administrator.name], 'not the password\n');
    expect(refused.code).toBe(20);
    expect(refused.stderr).toContain(
      'Whoever runs the server can set a new password there with "holdfast-server reset',
    );
    expect(await holdfast(['login', '--user', 'nobody'], 'not the password\n')).toEqual(refused);
  });

  it('takes the password from a pipe', async () => {
    const { name, password } = fleet.administrator;
    const { code, stdout } = await holdfast(['login', '--user', name], `${password}\nnot this\n`);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining(`Signed in at ${fleet.server.addresses.http} as ${name}`) as string,
    });
  });

  it('says with --json what is wrong with a command line as one document, too', async () => {
    for (const args of [['backup'], ['agent', 'limit', 'agent-1', '--upload', 'fast'], []]) {
      const { code, stdout, stderr } = await holdfast(['--json', ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'BAD_USER_INPUT', reason: 'USAGE' } });
    }
  });

  const protect = (name: string, ...roots: string[]): Promise<ProgramResult> =>
    holdfast(['protect', 'add', ...roots, '--agent', 'agent-1', '--vault', 'main', '--name', name]);

  it('says when folders are protected which of them are not there', async () => {
    const mistyped = path.join(fleet.folder, 'suorce');
    expect(await protect('files', source)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Pre-check PASSED') as string,
    });
    const some = await protect('some', source, mistyped);
    expect(some.code).toBe(3);
    expect(some.stdout).toContain('Pre-check WARNING on agent-1');
    expect(some.stdout).toContain(`${mistyped}: no such file or directory (ENOENT)`);
    const none = await protect('none', mistyped);
    expect(none).toMatchObject({ code: 3, stdout: expect.stringContaining('Pre-check CRITICAL') as string });
    expect(none.stdout).toContain('holdfast protect stop "none"');
    expect(none.stdout).not.toContain('First backup now');

    fs.mkdirSync(mistyped);
    expect(await holdfast(['backup', 'none'])).toMatchObject({ code: 0 });
    const listed = await holdfast(['--json', 'protect', 'list']);
    const items = JSON.parse(listed.stdout) as readonly { name: string; preCheck: { status: string } }[];
    expect(Object.fromEntries(items.map((item) => [item.name, item.preCheck.status]))).toEqual({
      files: 'PASSED',
      some: 'WARNING',
      none: 'PASSED',
    });
  });

  it('ends with the same code whatever is to be made and exists already', async () => {
    const policy = ['policy', 'create', 'nightly', '--daily', '02:00'];
    expect(await holdfast(policy)).toMatchObject({ code: 0 });
    const again = [
      policy,
      ['vault', 'create', 'main'],
      ['protect', 'add', source, '--agent', 'agent-1', '--vault', 'main', '--name', 'files'],
      ['agent', 'token', 'agent-1'],
    ];
    for (const args of again) {
      const { code, stderr } = await holdfast(['--json', ...args]);
      const { error } = JSON.parse(stderr) as { error: { code: string; reason: string } };
      expect([args[0], code, error.code]).toEqual([args[0], 1, 'CONFLICT']);
      expect(error.reason).toMatch(/^(POLICY|VAULT|ITEM|AGENT)_NAME_TAKEN$/);
    }
  });

  it('leaves under SKIP what is there, counts it, and calls that a success', async () => {
    expect(await holdfast(['backup', 'files'])).toMatchObject({ code: 0 });
    const skip = ['restore', 'files', '--original', '--on-conflict', 'SKIP'];
    const depth = source.split('/').filter(Boolean).length;
    expect(await holdfast(skip)).toMatchObject({
      code: 0,
      stdout: `Restored 0 entries, 0 B.\n${depth + 4} entries were there already and were left as they are.\n`,
    });
    fs.rmSync(path.join(source, 'sub/c'));
    expect(await holdfast(skip)).toMatchObject({
      code: 0,
      stdout: `Restored 1 entry, 5 B.\n${depth + 3} entries were there already and were left as they are.\n`,
    });
    expect(fs.readFileSync(path.join(source, 'sub/c'), 'utf8')).toBe('sub/c');
  });

  it('claims nothing about folders that only lead to what was backed up', async () => {
    const [first = ''] = source.split('/').filter(Boolean);
    const { stdout } = await holdfast(['browse', 'files', '/']);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^d\\?{9}  -  +-  +${first}$`));
    expect((await holdfast(['browse', 'files', source])).stdout).toMatch(/^-rw.* a$/m);
  });

  it('says when a folder holds more than it shows', async () => {
    const few = await holdfast(['browse', 'files', source, '--limit', '2']);
    expect(few.stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(few.stderr).toBe('There are more than these 2 entries: --limit shows more.\n');
    expect((await holdfast(['browse', 'files', source, '--limit', '3'])).stderr).toBe('');
  });

  it('knows a mistyped command from what it could list', async () => {
    for (const [args, names] of [
      [['jobs', 'chow', 'x'], 'list, show, cancel'],
      [['points', 'delte', 'files#1'], 'list, delete'],
      [['vault', 'confirm', 'main'], 'list, create, confirm-kit'],
    ] as const) {
      const { code, stderr } = await holdfast(args);
      expect(code).toBe(2);
      expect(stderr).toContain(`error: unknown command '${args.slice(1).join(' ')}'; there are: ${names}`);
    }
  });

  it('says where the ids of jobs are', async () => {
    for (const command of ['show', 'cancel']) {
      const { code, stderr } = await holdfast(['jobs', command, 'nonsense']);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: 'holdfast: "nonsense" is not the id of a job: "holdfast jobs list" shows them\n',
      });
    }
  });

  it('says which part of a point it restores', async () => {
    const to = fleet.newFolder('part');
    const base = path.join(source, 'sub');
    expect(await holdfast(['restore', 'files', '--to', to, '--base', base])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(new RegExp(`^Restoring only what lies below ${base} of files to ${to}\\.$`, 'm')),
    });
    expect(fs.readdirSync(to)).toEqual(['c']);
    const { stdout } = await holdfast(['jobs', 'list', '--limit', '1']);
    expect(stdout).toMatch(/READ +STORED +WRITTEN/);
    expect(stdout).toMatch(/RESTORE .* - {2,}- {2,}5 B /);
  });

  it('says every ten seconds without a terminal what has been sent by then', async () => {
    const large = fleet.newFolder('large');
    fs.writeFileSync(path.join(large, 'random'), randomBytes(14 << 20));
    expect(await protect('large', large)).toMatchObject({ code: 0 });
    await holdfast(['agent', 'limit', 'agent-1', '--upload', '1MB/s']);
    const { code, stderr } = await holdfast(['backup', 'large']);
    await holdfast(['agent', 'limit', 'agent-1', '--clear']);
    expect(code).toBe(0);
    const sent = [...stderr.matchAll(/^running.* sent ([\d.]+) MiB/gm)].map(([, mib]) => Number(mib));
    expect(Math.max(...sent), stderr).toBeGreaterThan(4);
  }, 60_000);

  it('shows a job that failed without failing itself', async () => {
    fs.writeFileSync(path.join(source, 'in-the-way'), '');
    const to = path.join(source, 'in-the-way', 'below');
    expect((await holdfast(['restore', 'files', '--to', to])).code).toBe(1);
    fs.rmSync(path.join(source, 'in-the-way'));
    const [job] = JSON.parse((await holdfast(['--json', 'jobs', 'list', '--limit', '1'])).stdout) as [{ id: string }];
    const { code, stdout, stderr } = await holdfast(['jobs', 'show', job.id]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('something at its path is no folder');
    expect((await holdfast(['jobs', 'show', job.id, '--watch'])).code).toBe(1);
  });

  it('asks at a terminal before it deletes, and takes the number of a point', async () => {
    expect(await holdfast(['backup', 'files'])).toMatchObject({ code: 0 });
    const numbers = async (): Promise<readonly number[]> => {
      const { stdout } = await holdfast(['--json', 'points', 'list', 'files']);
      return (JSON.parse(stdout) as readonly { sequence: number }[]).map(({ sequence }) => sequence);
    };
    expect(await numbers()).toEqual([2, 1]);
    const asked = await atTerminal(['points', 'delete', 'files#1'], environment, 'n\n');
    expect(asked.stdout).toContain('Delete the recovery point files#1?');
    expect(asked).toMatchObject({ code: 130, stdout: expect.stringContaining('nothing was done') as string });
    expect(await numbers()).toEqual([2, 1]);
    expect(await atTerminal(['points', 'delete', 'files#1'], environment, 'y\n')).toMatchObject({ code: 0 });
    expect(await numbers()).toEqual([2]);
  });

  it('checks a recovery kit against its vault', async () => {
    const { recoveryKit } = JSON.parse((await holdfast(['--json', 'vault', 'create', 'second'])).stdout) as {
      recoveryKit: string;
    };
    const other = JSON.parse((await holdfast(['--json', 'vault', 'create', 'third'])).stdout) as {
      recoveryKit: string;
    };
    const wrong = await holdfast(['vault', 'confirm-kit', 'second'], `${other.recoveryKit}\n`);
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).not.toContain(other.recoveryKit);
    const slip = `${recoveryKit.slice(0, -1)}${recoveryKit.endsWith('7') ? '8' : '7'}`;
    const mistyped = await holdfast(['vault', 'confirm-kit', 'second'], `${slip}\n`);
    expect(mistyped).toMatchObject({ code: 2, stderr: expect.stringContaining('A character of this recovery kit') });
    expect((await holdfast(['vault', 'list'])).stdout).toMatch(/^second .*NOT CONFIRMED/m);
    expect(await holdfast(['vault', 'confirm-kit', 'second'], `${recoveryKit}\n`)).toMatchObject({
      code: 0,
      stdout: 'This is the recovery kit of second: confirmed.\n',
    });
    expect((await holdfast(['vault', 'list'])).stdout).toMatch(/^second .*stored/m);
    const { stdout: saved } = await holdfast(['vault', 'create', 'fourth']);
    expect(await holdfast(['vault', 'confirm-kit', 'fourth'], saved)).toMatchObject({ code: 0 });
  });

  it('says when the server does not know the token that it was given', async () => {
    const { code, stderr } = await runProgram('holdfast', ['vault', 'list'], {
      ...environment,
      HOLDFAST_TOKEN: 'hf_of_nobody',
    });
    expect(code).toBe(20);
    expect(stderr).toContain('the server does not know the token in HOLDFAST_TOKEN, or it has expired');
    expect(stderr).not.toContain('hf_of_nobody');
  });

  it('says what is wrong with the folder that a restore shall go to', async () => {
    const { code, stderr } = await holdfast(['restore', 'files', '--to', path.join(source, 'a', 'below')]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `holdfast: The folder ${path.join(source, 'a', 'below')} on this host cannot be used, because something at its path is no folder. Restore to another folder`,
    );
  });

  it('says of an agent that is not connected that nobody has looked yet', async () => {
    await fleet.agent().stop();
    await expect
      .poll(async () => (await holdfast(['agent', 'list'])).stdout, { timeout: 30_000 })
      .toMatch(/agent-1 .*OFFLINE/);
    expect(await protect('later', source)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The agent agent-1 is not connected') as string,
    });
  });

  it('waits no longer than it was told, and leaves the job', async () => {
    const { code, stderr } = await holdfast(['backup', 'later', '--timeout', '2s']);
    expect({ code, stderr }).toEqual({
      code: 21,
      stderr: expect.stringMatching(
        /^waiting: The agent is not connected\..*\nholdfast: the job has not ended within 2 s/,
      ),
    });
    const [, id = ''] = /holdfast jobs show (\S+) --watch/.exec(stderr) ?? [];
    expect(JSON.parse((await holdfast(['--json', 'jobs', 'show', id])).stdout)).toMatchObject({ state: 'QUEUED' });
  });

  it('marks what was backed up from a host that was revoked', async () => {
    expect(await holdfast(['agent', 'revoke', 'agent-1'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Revoked agent-1\.\nNot backed up any more: .*files/) as string,
    });
    expect((await holdfast(['protect', 'list'])).stdout).toMatch(/^files +agent-1 \(revoked\) .*AGENT REVOKED/m);
    expect(await holdfast(['agent', 'revoke', 'agent-1'])).toMatchObject({
      code: 1,
      stderr: 'holdfast: the agent "agent-1" is revoked already\n',
    });
  });
});
