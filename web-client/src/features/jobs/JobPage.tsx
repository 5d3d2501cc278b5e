import { Alert, Button, Group, Stack, Table, Text } from '@mantine/core';
import { Link, useParams } from 'react-router';
import { graphql } from '../../gql';
import type { JobQuery } from '../../gql/graphql';
import { countOf, formatBytes, formatCount } from '../../platform/format/amounts';
import { formatDuration } from '../../platform/format/time';
import { visibleText } from '../../platform/format/visible-text';
import { JOB_STATE_WORDS } from '../../platform/format/words';
import { describe, describeFailure, problemOf } from '../../platform/graphql/problem';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { Page } from '../../platform/routing/Page';
import { paths } from '../../platform/routing/paths';
import { Facts } from '../../platform/ui/Facts';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { LoadingRows } from '../../platform/ui/LoadingRows';
import { Moment } from '../../platform/ui/Moment';
import { Panel } from '../../platform/ui/Panel';
import { ProblemAlert } from '../../platform/ui/ProblemAlert';
import { SidewaysScroll } from '../../platform/ui/SidewaysScroll';
import { nameOfPoint } from '../recovery-points/point-name';
import { CancelJob } from './CancelJob';
import { nameOfJob } from './JobLink';
import { JobProgress } from './JobProgress';
import { JobStatus } from './JobStatus';
import { failedAttempt, isEnded } from './job-progress';
import { useJobsAsTheyAre } from './live-jobs';

const JobDocument = graphql(`
  query Job($id: ID!) {
    job(id: $id) {
      ...JobRow
      backupTypeReason
      notices { path kind message }
    }
  }
`);

type JobDetails = NonNullable<JobQuery['job']>;

export function JobPage() {
  const { id = '' } = useParams();
  const { data, error, loading, reload } = useFreshQuery(JobDocument, { id });
  const [live] = useJobsAsTheyAre(data?.job ? [data.job] : []);
  const job = data?.job && live ? { ...data.job, ...live } : undefined;
  const title = job ? `${nameOfJob(job)} of ${job.protectedItem.name}` : 'Job';
  return (
    <Page
      key={id}
      title={title}
      above={
        <Text size="sm">
          <Go to={paths.jobs}>Jobs</Go>
        </Text>
      }
      actions={job && <JobActions job={job} />}
    >
      {error && <ProblemAlert title="The job could not be read" problem={problemOf(error)} onRetry={reload} />}
      {loading && <LoadingRows rows={6} />}
      {data && !job && (
        <ProblemAlert
          title="There is no such job"
          problem={describe('NOT_FOUND', 'Nothing was found at this address.')}
        />
      )}
      {job && <JobBody job={job} />}
    </Page>
  );
}

function JobActions({ job }: { readonly job: JobDetails }) {
  if (!isEnded(job.state)) return <CancelJob job={job} />;
  if (!job.recoveryPoint) return null;
  return (
    <Button component={Link} to={paths.recoveryPoint(job.recoveryPoint.id)} variant="default">
      Open the recovery point
    </Button>
  );
}

function JobBody({ job }: { readonly job: JobDetails }) {
  const { progress } = job;
  const ended = isEnded(job.state);
  const seconds =
    job.startedAt && job.finishedAt ? (Date.parse(job.finishedAt) - Date.parse(job.startedAt)) / 1000 : undefined;
  return (
    <>
      {job.error && (
        <ProblemAlert title="The job failed" problem={describeFailure(job.error.code, job.error.message)} />
      )}
      <Panel
        title="Progress"
        actions={
          <span role="status" aria-label={`State: ${JOB_STATE_WORDS[job.state]}`}>
            <JobStatus state={job.state} />
          </span>
        }
      >
        <Stack gap="lg">
          {!ended && <JobProgress job={job} />}
          {job.backupTypeReason && (
            <Alert variant="default" title="About the backup type">
              {visibleText(job.backupTypeReason)}
            </Alert>
          )}
          <Facts
            facts={[
              [
                'Protected item',
                <Go key="item" to={paths.protectedItem(job.protectedItem.id)}>
                  <HostText>{job.protectedItem.name}</HostText>
                </Go>,
              ],
              ['Agent', <HostText key="agent">{job.agent.name}</HostText>],
              ['Vault', <HostText key="vault">{job.vault.name}</HostText>],
              ...(job.recoveryPoint
                ? [
                    [
                      'Recovery point',
                      <Go key="point" to={paths.recoveryPoint(job.recoveryPoint.id)}>
                        <HostText>{nameOfPoint(job.protectedItem.name, job.recoveryPoint.sequence)}</HostText>
                      </Go>,
                    ] as const,
                  ]
                : []),
              ['Created', <Moment key="created" at={job.createdAt} />],
              ['Started', <Moment key="started" at={job.startedAt} absent="Not yet" />],
              [
                'Ended',
                <span key="ended">
                  <Moment at={job.finishedAt} absent="Not yet" />
                  {seconds === undefined ? '' : ` (took ${formatDuration(seconds)})`}
                </span>,
              ],
              ...(job.attempt > 1 ? [['Attempt', <Attempt key="attempt" job={job} />] as const] : []),
            ]}
          />
        </Stack>
      </Panel>
      <Panel title="Amounts">
        <Facts
          columns={4}
          facts={[
            ['Entries', formatCount(progress.entries)],
            ['Files', formatCount(progress.files)],
            ...(job.kind === 'RESTORE'
              ? ([['Written', formatBytes(progress.bytesWritten)]] as const)
              : ([
                  [job.recoveryPoint ? 'In the recovery point' : 'Looked at', formatBytes(progress.bytesTotal)],
                  ['Read on the host', formatBytes(progress.bytesRead)],
                  ['Changed', formatBytes(progress.bytesChanged)],
                  ['Sent', formatBytes(progress.bytesSent)],
                  ['Stored', formatBytes(progress.bytesStored)],
                ] as const)),
          ]}
        />
        {job.kind === 'BACKUP' && job.attempt > 1 && (
          <Text size="sm" mt="md">
            Read, changed, sent and stored are of the last attempt: what those before it stored is not among them.
          </Text>
        )}
        {Number(progress.entriesSkipped) > 0 && (
          <Text size="sm" mt="md">
            {countOf(progress.entriesSkipped, 'entry was', 'entries were')} there already and left untouched.
          </Text>
        )}
      </Panel>
      <Notices job={job} />
    </>
  );
}

function Attempt({ job }: { readonly job: JobDetails }) {
  const failed = failedAttempt(job);
  return (
    <>
      {formatCount(job.attempt)}
      {failed && (
        <Text size="sm" c="dimmed">
          {failed}
        </Text>
      )}
    </>
  );
}

function Notices({ job }: { readonly job: JobDetails }) {
  if (job.noticesTotal === 0) return null;
  return (
    <Panel title="Warnings and notices" flush>
      <SidewaysScroll label="Warnings and notices of this job">
        <Table verticalSpacing="xs" aria-label="Warnings and notices of this job">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Path</Table.Th>
              <Table.Th scope="col">What happened</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {job.notices.map((notice) => (
              <Table.Tr key={`${notice.path} ${notice.kind} ${notice.message}`}>
                <Table.Td>
                  <HostText mono>{notice.path}</HostText>
                </Table.Td>
                <Table.Td>{visibleText(notice.message)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </SidewaysScroll>
      {job.noticesTotal > job.notices.length && (
        <Group p="md">
          <Text size="sm" c="dimmed">
            The first {formatCount(job.notices.length)} of {countOf(job.noticesTotal, 'notice')}.
          </Text>
        </Group>
      )}
    </Panel>
  );
}
