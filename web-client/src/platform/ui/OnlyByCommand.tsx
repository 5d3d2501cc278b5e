import { Facts } from './Facts';
import { Panel } from './Panel';
import { WholeWords } from './WholeWords';

interface OnlyByCommandProps {
  readonly commands: ReadonlyArray<readonly [what: string, command: string]>;
}

/** What Backup Center has no button for, where one would look for it. */
export function OnlyByCommand({ commands }: OnlyByCommandProps) {
  return (
    <Panel title="With the command line only">
      <Facts
        facts={commands.map(([what, command]) => [
          what,
          <code key={what} className="hf-mono">
            <WholeWords text={command} />
          </code>,
        ])}
      />
    </Panel>
  );
}
