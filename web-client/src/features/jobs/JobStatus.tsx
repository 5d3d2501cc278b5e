import type { JobState } from '../../gql/graphql';
import { JOB_STATE_WORDS } from '../../platform/format/words';
import { Status } from '../../platform/ui/Status';
import { toneOf } from './job-progress';

export function JobStatus({ state }: { readonly state: JobState }) {
  return <Status tone={toneOf(state)}>{JOB_STATE_WORDS[state]}</Status>;
}
