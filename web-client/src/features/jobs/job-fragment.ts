import { graphql } from '../../gql';
import type { JobRowFragment } from '../../gql/graphql';

/** What every list of jobs shows, and what live updates bring. */
graphql(`
  fragment JobRow on Job {
    id kind state backupType waitingFor createdAt startedAt finishedAt attempt noticesTotal
    protectedItem { id name }
    agent { id name }
    vault { id name }
    recoveryPoint { id sequence }
    error { code message } previousAttemptError { message }
    progress {
      phase entries files bytesTotal bytesRead bytesChanged bytesSent bytesStored bytesWritten entriesSkipped fraction rate etaSeconds
    }
  }
`);

export type JobView = JobRowFragment;
