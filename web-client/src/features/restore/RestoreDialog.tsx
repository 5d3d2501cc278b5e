import { List, Radio, Stack, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useNavigate } from 'react-router';
import { useMutation } from 'urql';
import { graphql } from '../../gql';
import type { OnConflict, RecoveryPointQuery, RestoreMode } from '../../gql/graphql';
import { countOf } from '../../platform/format/amounts';
import { ON_CONFLICT_WORDS } from '../../platform/format/words';
import { problemOf } from '../../platform/graphql/problem';
import { paths } from '../../platform/routing/paths';
import { FormModal } from '../../platform/ui/FormModal';
import { HostText } from '../../platform/ui/HostText';
import { commonParent, plainPath, type Selection } from '../recovery-points/selection';
import { AlternateLocation, type Target } from './AlternateLocation';
import { partIn } from './restored-part';

const TriggerRestoreDocument = graphql(`
  mutation TriggerRestore($input: TriggerRestoreInput!) {
    triggerRestore(input: $input) { job { ...JobRow } }
  }
`);

type Point = NonNullable<RecoveryPointQuery['recoveryPoint']>;

interface RestoreDialogProps {
  readonly point: Point;
  readonly selection: Selection;
  readonly onClose: () => void;
}

const WORDS_FOR_PART: Record<ReturnType<typeof partIn>, (base: ReactNode) => ReactNode> = {
  all: () => 'Everything in this recovery point is restored.',
  some: (base) => <>Only what lies in {base} is restored, and nothing else of this recovery point.</>,
  nothing: (base) => <>Nothing is restored: nothing of this recovery point lies in {base}.</>,
};
const LISTED = 5;
const CONFLICTS: readonly OnConflict[] = ['FAIL', 'SKIP', 'OVERWRITE', 'KEEP_BOTH'];

/** What, where to, and what happens to files that are there already. The restore itself is watched on the job's page. */
export function RestoreDialog({ point, selection, onClose }: RestoreDialogProps) {
  const item = point.protectedItem;
  const [mode, setMode] = useState<RestoreMode>('ALTERNATE_LOCATION');
  const [onConflict, setOnConflict] = useState<OnConflict>('FAIL');
  const [target, setTarget] = useState<Target>({
    agentId: item.agent.id,
    path: '',
    base: selection.length > 0 ? commonParent(selection) : soleRoot(item.files.roots),
  });
  const [{ fetching, error }, restore] = useMutation(TriggerRestoreDocument);
  const navigate = useNavigate();

  const submit = async (): Promise<void> => {
    const { data } = await restore({
      input: {
        recoveryPointId: point.id,
        mode,
        onConflict,
        ...(mode === 'ALTERNATE_LOCATION' ? { target } : {}),
        ...(selection.length > 0 ? { select: [...selection] } : {}),
      },
    });
    if (data) await navigate(paths.job(data.triggerRestore.job.id));
  };

  return (
    <FormModal
      opened
      onClose={onClose}
      size="lg"
      title="Restore from this recovery point"
      submit="Start the restore"
      failure="The restore was not started"
      busy={fetching}
      problem={error && problemOf(error)}
      onSubmit={() => void submit()}
    >
      <Restored
        selection={selection}
        base={mode === 'ALTERNATE_LOCATION' ? plainPath(target.base) : '/'}
        roots={item.files.roots}
      />
      <Radio.Group label="Where to" value={mode} onChange={(value) => setMode(value)}>
        <Stack gap="sm" mt="xs">
          <Radio value="ORIGINAL_LOCATION" label="Where it came from" description="The same paths on the same host." />
          <Radio
            value="ALTERNATE_LOCATION"
            label="Another place"
            description="A folder of your choice, on any host with an agent."
          />
        </Stack>
      </Radio.Group>
      {mode === 'ALTERNATE_LOCATION' && (
        <AlternateLocation target={target} onChange={setTarget} ownAgent={item.agent} selection={selection} />
      )}
      <Radio.Group label="If a file is there already" value={onConflict} onChange={(value) => setOnConflict(value)}>
        <Stack gap="sm" mt="xs">
          {CONFLICTS.map((each) => (
            <Radio
              key={each}
              value={each}
              label={ON_CONFLICT_WORDS[each][0]}
              description={ON_CONFLICT_WORDS[each][1]}
            />
          ))}
        </Stack>
      </Radio.Group>
      <Text size="sm" c="dimmed">
        A restore deletes nothing. Content is verified before a file gets its name.
      </Text>
    </FormModal>
  );
}

interface RestoredProps {
  readonly selection: Selection;
  /** Nothing outside of it is restored. */
  readonly base: string;
  readonly roots: readonly string[];
}

function Restored({ selection, base, roots }: RestoredProps) {
  if (selection.length === 0) {
    return (
      <Text size="sm" role="status">
        {WORDS_FOR_PART[partIn(base, roots)](<HostText mono>{base}</HostText>)}
      </Text>
    );
  }
  return (
    <div>
      <Text size="sm">
        {countOf(selection.length, 'entry is', 'entries are')} restored, folders with everything in them:
      </Text>
      <List size="sm" mt={4}>
        {selection.slice(0, LISTED).map((path) => (
          <List.Item key={path}>
            <HostText mono>{path}</HostText>
          </List.Item>
        ))}
      </List>
      {selection.length > LISTED && (
        <Text size="sm" c="dimmed">
          and {selection.length - LISTED} more
        </Text>
      )}
    </div>
  );
}

/** With one root its content naturally comes to lie at the target; with several their common ancestors have to tell them apart. */
function soleRoot(roots: readonly string[]): string {
  const [only, ...others] = roots;
  return only !== undefined && others.length === 0 ? only : '/';
}
