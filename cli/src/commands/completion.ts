/** Shell completion, written from the commands themselves. */
import type { Command } from 'commander';

interface Words {
  readonly path: string;
  readonly words: readonly string[];
}

function wordsOf(command: Command, path: string): Words[] {
  const subcommands = command.commands.filter((sub) => sub.name() !== 'help');
  const options = [...command.options, ...(command.parent?.options ?? [])].flatMap((option) => option.long ?? []);
  const own = { path, words: [...subcommands.map((sub) => sub.name()), ...new Set([...options, '--help'])] };
  return [own, ...subcommands.flatMap((sub) => wordsOf(sub, `${path} ${sub.name()}`))];
}

function bash(program: Command): string {
  const cases = wordsOf(program, 'holdfast').map(({ path, words }) => `      '${path}') words='${words.join(' ')}' ;;`);
  return `_holdfast() {
  local word path=holdfast words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="$path $word" ;; esac
  done
  while :; do
    case "$path" in
${cases.join('\n')}
    esac
    [ -n "$words" ] && break
    path="\${path% *}"
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _holdfast holdfast`;
}

function zsh(program: Command): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bash(program)}`;
}

function fish(program: Command): string {
  return wordsOf(program, 'holdfast')
    .flatMap(({ path, words }) => {
      const [, ...names] = path.split(' ');
      const condition = names.length === 0 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${names.at(-1)}`;
      return words.map((word) =>
        word.startsWith('--')
          ? `complete -c holdfast -n '${condition}' -l ${word.slice(2)}`
          : `complete -c holdfast -n '${condition}' -f -a ${word}`,
      );
    })
    .join('\n');
}

const WRITERS = { bash, zsh, fish } as const;

export function addCompletionCommand(program: Command): void {
  const completion = program.command('completion').description('print a completion script for a shell');
  for (const [shell, write] of Object.entries(WRITERS)) {
    completion
      .command(shell)
      .description(`for ${shell}`)
      .action(() => {
        process.stdout.write(`${write(program)}\n`);
      });
  }
}
