import { Text } from '@mantine/core';
import { graphql } from '../../gql';
import type { PoliciesQuery } from '../../gql/graphql';
import { BACKUP_TYPE_WORDS, describeSchedule } from '../../platform/format/words';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { type Column, DataTable } from '../../platform/ui/DataTable';
import { HostText } from '../../platform/ui/HostText';
import { ListPage } from '../../platform/ui/ListPage';
import { NewPolicy } from './NewPolicy';

const Policies = graphql(`
  query Policies {
    policies(first: 200) {
      edges { node { id name schedule { frequency everyHours at weekdays timeZone jitterMinutes backupType } } }
    }
  }
`);

const COLUMNS: readonly Column<PoliciesQuery['policies']['edges'][number]['node']>[] = [
  { head: 'Name', cell: ({ name }) => <HostText>{name}</HostText> },
  { head: 'When', cell: ({ schedule }) => describeSchedule(schedule) },
  { head: 'Backup type', cell: ({ schedule }) => BACKUP_TYPE_WORDS[schedule.backupType] },
  {
    head: 'Spread over',
    cell: ({ schedule }) => (schedule.jitterMinutes === 0 ? 'Not spread' : `${schedule.jitterMinutes} min`),
  },
];

export function PoliciesPage() {
  const query = useFreshQuery(Policies, {});
  const policies = query.data?.policies.edges.map(({ node }) => node) ?? [];
  return (
    <ListPage
      title="Policies"
      actions={<NewPolicy />}
      failure="The policies could not be read"
      query={query}
      panel="When backups run"
      isEmpty={policies.length === 0}
      emptyTitle="There is no policy yet"
      emptyAdvice={
        <Text size="sm">
          Without a policy an item is backed up on demand only. Choose “Create a policy”, or from a shell:{' '}
          <code className="hf-mono">holdfast policy create nightly --daily 02:00</code>
        </Text>
      }
    >
      <DataTable caption="Policies" columns={COLUMNS} rows={policies} />
    </ListPage>
  );
}
