import { NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from 'urql';
import { graphql } from '../../gql';
import { visibleText } from '../../platform/format/visible-text';
import { AGENT_STATUS_WORDS } from '../../platform/format/words';
import { HostText } from '../../platform/ui/HostText';
import { liesIn, mapPath, plainPath, type Selection } from '../recovery-points/selection';

const RestoreAgents = graphql(`
  query RestoreAgents {
    agents(first: 200) { edges { node { id name status subscription { name } } } }
  }
`);

export interface Target {
  readonly agentId: string;
  readonly path: string;
  readonly base: string;
}

interface AlternateLocationProps {
  readonly target: Target;
  readonly onChange: (target: Target) => void;
  readonly ownAgent: { readonly id: string; readonly name: string };
  readonly selection: Selection;
}

export function AlternateLocation({ target, onChange, ownAgent, selection }: AlternateLocationProps) {
  const [{ data }] = useQuery({ query: RestoreAgents });
  const agents = data?.agents.edges.map(({ node }) => node).filter(({ status }) => status !== 'REVOKED') ?? [];
  const several = new Set(agents.map(({ subscription }) => subscription.name)).size > 1;
  const options = agents.map(({ id, name, status, subscription }) => ({
    value: id,
    label: visibleText(`${name}${several ? ` (${subscription.name})` : ''} · ${AGENT_STATUS_WORDS[status]}`),
  }));
  if (!options.some(({ value }) => value === ownAgent.id)) {
    options.unshift({ value: ownAgent.id, label: visibleText(ownAgent.name) });
  }
  const base = plainPath(target.base);
  const outside = selection.find((path) => !liesIn(base, path));
  const [example = base] = selection;
  return (
    <Stack gap="sm" pl="md" style={{ borderLeft: '2px solid var(--hf-line)' }}>
      <NativeSelect
        label="Agent"
        description="Its host gets the files. An agent that is offline restores once it is back."
        data={options}
        value={target.agentId}
        onChange={(event) => onChange({ ...target, agentId: event.currentTarget.value })}
      />
      <TextInput
        label="Folder on that host"
        description="An absolute path. It is made if it is not there."
        placeholder="/srv/restored"
        required
        pattern="/.*"
        title="An absolute path begins with /"
        spellCheck={false}
        autoComplete="off"
        value={target.path}
        onChange={(event) => onChange({ ...target, path: event.currentTarget.value })}
      />
      <TextInput
        label="Folder of the recovery point that comes to lie there"
        description="Only what lies in it is restored, and keeps its place below the folder above."
        error={outside && <>{visibleText(outside)} is selected and does not lie in it.</>}
        required
        pattern="/.*"
        title="An absolute path begins with /"
        spellCheck={false}
        autoComplete="off"
        value={target.base}
        onChange={(event) => onChange({ ...target, base: event.currentTarget.value })}
      />
      {target.path.startsWith('/') && base.startsWith('/') && !outside && (
        <Text size="sm" role="status">
          For example <HostText mono>{example}</HostText> becomes{' '}
          <HostText mono>{mapPath(example, base, target.path)}</HostText>
        </Text>
      )}
    </Stack>
  );
}
