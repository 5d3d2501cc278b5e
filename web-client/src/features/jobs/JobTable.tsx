import { Table } from '@mantine/core';
import { BACKUP_TYPE_WORDS, JOB_KIND_WORDS } from '../../platform/format/words';
import { paths } from '../../platform/routing/paths';
import { Go } from '../../platform/ui/Go';
import { HostText } from '../../platform/ui/HostText';
import { Moment } from '../../platform/ui/Moment';
import { JobProgress } from './JobProgress';
import { JobStatus } from './JobStatus';
import type { JobView } from './job-fragment';
import { isEnded } from './job-progress';

interface JobTableProps {
  readonly jobs: readonly JobView[];
  readonly caption: string;
}

export function nameOfJob(job: Pick<JobView, 'kind' | 'backupType' | 'requestedBackupType'>): string {
  const type = job.backupType ?? job.requestedBackupType;
  return job.kind === 'BACKUP' && type ? `${BACKUP_TYPE_WORDS[type]} backup` : JOB_KIND_WORDS[job.kind];
}

export function JobTable({ jobs, caption }: JobTableProps) {
  return (
    <Table verticalSpacing="sm" highlightOnHover aria-label={caption}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">Job</Table.Th>
          <Table.Th scope="col">State</Table.Th>
          <Table.Th scope="col" className="hf-wide">
            Agent
          </Table.Th>
          <Table.Th scope="col" className="hf-wide">
            Started
          </Table.Th>
          <Table.Th scope="col" className="hf-wide">
            Ended
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {jobs.map((job) => (
          <Table.Tr key={job.id}>
            <Table.Td>
              <Go to={paths.job(job.id)}>
                {nameOfJob(job)} of <HostText>{job.protectedItem.name}</HostText>
              </Go>
              {!isEnded(job.state) && <JobProgress job={job} />}
            </Table.Td>
            <Table.Td>
              <JobStatus state={job.state} />
            </Table.Td>
            <Table.Td className="hf-wide">
              <HostText>{job.agent.name}</HostText>
            </Table.Td>
            <Table.Td className="hf-wide">
              <Moment at={job.startedAt} relative absent="Not yet" />
            </Table.Td>
            <Table.Td className="hf-wide">
              <Moment at={job.finishedAt} relative />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
