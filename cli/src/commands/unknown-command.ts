import type { Command } from 'commander';

/**
 * A group that lists when it is given no command takes a mistyped one for an argument of its list. What the list has no place for is a command
 * that there is not.
 */
export function refuseUnknownCommands(group: Command): void {
  const list = group.commands.find((command) => command.name() === 'list');
  if (list === undefined) return;
  list.allowExcessArguments();
  list.hook('preAction', (_, action) => {
    if (action.args.length <= action.registeredArguments.length) return;
    const names = group.commands.map((command) => command.name());
    group.error(`error: unknown command '${action.args.join(' ')}'; there are: ${names.join(', ')}`, {
      code: 'commander.unknownCommand',
    });
  });
}
