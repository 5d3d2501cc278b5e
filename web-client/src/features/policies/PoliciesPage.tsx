import { Table, Text } from '@mantine/core';
import { graphql } from '../../gql';
import { BACKUP_TYPE_WORDS, describeSchedule } from '../../platform/format/words';
import { problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { Page } from '../../platform/routing/Page';
import { EmptyState } from '../../platform/ui/EmptyState';
import { HostText } from '../../platform/ui/HostText';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { NewPolicy } from './NewPolicy';

const Policies = graphql(`
  query Policies {
    policies(first: 200) {
      edges { node { id name schedule { frequency everyHours at weekdays timeZone jitterMinutes backupType } } }
    }
  }
`);

export function PoliciesPage() {
  const { data, error, loading, reload } = useFreshQuery(Policies, {});
  const policies = data?.policies.edges.map(({ node }) => node) ?? [];
  return (
    <Page title="Policies" actions={<NewPolicy />}>
      {error && <ProblemAlert title="The policies could not be read" problem={problemOf(error)} onRetry={reload} />}
      <Panel title="When backups run" flush>
        {loading ? (
          <LoadingRows rows={3} />
        ) : policies.length === 0 ? (
          <EmptyState title="There is no policy yet">
            <Text size="sm">
              Without a policy an item is backed up on demand only. Choose “Create a policy”, or from a shell:{' '}
              <code className="hf-mono">holdfast policy create nightly --daily 02:00</code>
            </Text>
          </EmptyState>
        ) : (
          <Table verticalSpacing="sm" highlightOnHover aria-label="Policies">
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">Name</Table.Th>
                <Table.Th scope="col">When</Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  Backup type
                </Table.Th>
                <Table.Th scope="col" className="hf-wide">
                  Spread over
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {policies.map(({ id, name, schedule }) => (
                <Table.Tr key={id}>
                  <Table.Td>
                    <HostText>{name}</HostText>
                  </Table.Td>
                  <Table.Td>{describeSchedule(schedule)}</Table.Td>
                  <Table.Td className="hf-wide">{BACKUP_TYPE_WORDS[schedule.backupType]}</Table.Td>
                  <Table.Td className="hf-wide">
                    {schedule.jitterMinutes === 0 ? 'Not spread' : `${schedule.jitterMinutes} min`}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Panel>
    </Page>
  );
}
