import type { Command } from 'commander';

/** A group that lists when it is given no command takes what its list takes, so its help says so. */
export function showListInHelp(group: Command): void {
  const list = group.commands.find((command) => command.name() === 'list');
  if (list === undefined) return;
  group.addHelpText('after', () => {
    const help = list.createHelp();
    const options = list.options.map((option): [string, string] => [
      help.optionTerm(option),
      help.optionDescription(option),
    ]);
    const width = Math.max(...options.map(([term]) => term.length));
    return [
      `\nWithout a command it does as: ${help.commandUsage(list)}`,
      ...options.map(([term, words]) => `  ${term.padEnd(width)}  ${words}`),
    ].join('\n');
  });
}
