import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildProgram } from '../program.js';

async function scriptFor(shell: string): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  await buildProgram().parseAsync(['completion', shell], { from: 'user' });
  return written.join('');
}

describe('shell completion', () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each([
    [
      ['holdfast', 'po'],
      ['policy', 'points'],
    ],
    [['holdfast', 'vault', 'cr'], ['create']],
    [['holdfast', 'backup', 'web-1', '--js'], ['--json']],
  ])('in bash makes of %j one of %j', async (words, offered) => {
    const line = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const answer = execFileSync('bash', ['--norc', '-c', `${await scriptFor('bash')}\n${line}`], { encoding: 'utf8' });
    expect(answer.trim().split('\n').sort()).toEqual(offered.sort());
  });

  it('in fish has a line for each command and option', async () => {
    const lines = (await scriptFor('fish')).split('\n');
    expect(lines).toContain("complete -c holdfast -n '__fish_use_subcommand' -f -a vault");
    expect(lines).toContain("complete -c holdfast -n '__fish_seen_subcommand_from restore' -l select");
  });
});
