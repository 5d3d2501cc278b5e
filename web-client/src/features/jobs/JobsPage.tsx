import { Button, Center, SegmentedControl, Text } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../../gql';
import type { JobFilter } from '../../gql/graphql';
import { problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { Page } from '../../platform/routing/Page';
import { paths } from '../../platform/routing/paths';
import { Go } from '../../platform/ui/Go';
import { ListContent } from '../../platform/ui/ListContent';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { JobTable } from './JobTable';
import { OPEN_STATES } from './job-progress';
import { useJobsAsTheyAre, useOpenJobs } from './live-jobs';

const Jobs = graphql(`
  query Jobs($first: Int!, $filter: JobFilter) {
    jobs(first: $first, filter: $filter) {
      edges { node { ...JobRow } }
      pageInfo { hasNextPage }
    }
  }
`);

const PAGE = 50;
const MAX = 200;
const FILTERS: Record<string, JobFilter> = {
  all: {},
  open: { states: [...OPEN_STATES] },
  failed: { states: ['FAILED'] },
  warnings: { states: ['COMPLETED_WITH_WARNINGS'] },
};

export function JobsPage() {
  const [shown, setShown] = useState('all');
  const [first, setFirst] = useState(PAGE);
  const query = useFreshQuery(Jobs, { first, filter: FILTERS[shown] ?? {} });
  const { data, error, reload } = query;
  const listed = useJobsAsTheyAre(data?.jobs.edges.map(({ node }) => node) ?? []);
  const open = useOpenJobs(listed);
  const jobs = shown === 'open' ? open : listed;
  return (
    <Page title="Jobs">
      <SegmentedControl
        aria-label="Which jobs"
        value={shown}
        onChange={setShown}
        data={[
          { value: 'all', label: 'All' },
          { value: 'open', label: 'Under way' },
          { value: 'failed', label: 'Failed' },
          { value: 'warnings', label: 'With warnings' },
        ]}
        style={{ alignSelf: 'flex-start', maxWidth: '100%', flexWrap: 'wrap' }}
      />
      {error && <ProblemAlert title="The jobs could not be read" problem={problemOf(error)} onRetry={reload} />}
      <Panel title="Backups and restores" flush>
        <ListContent
          query={query}
          isEmpty={jobs.length === 0}
          emptyTitle={shown === 'all' ? 'No job has run yet' : 'None right now'}
          emptyAdvice={
            <Text size="sm">
              Start a backup on the page of a{' '}
              <Go inText to={paths.protectedItems}>
                protected item
              </Go>
              ; it appears here and moves by itself.
            </Text>
          }
        >
          <JobTable jobs={jobs} caption="Jobs, newest first" />
        </ListContent>
        {data?.jobs.pageInfo.hasNextPage && first < MAX && (
          <Center p="md">
            <Button variant="default" onClick={() => setFirst(MAX)}>
              Show more
            </Button>
          </Center>
        )}
      </Panel>
    </Page>
  );
}
