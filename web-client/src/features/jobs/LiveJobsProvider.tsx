import { type ReactNode, useEffect, useState } from 'react';
import { type Client, useClient } from 'urql';
import { graphql } from '../../gql';
import { announceNews } from '../../platform/graphql/news';
import { useFreshQuery } from '../../platform/graphql/use-fresh-query';
import { JobWatch, type JobWatchPorts } from './job-watch';
import { LiveJobs, LiveJobsContext } from './live-jobs';

const SubscriptionIds = graphql(`
  query SubscriptionIds {
    subscriptions(first: 40) { edges { node { id } } }
  }
`);

const JobsUpdated = graphql(`
  subscription JobsUpdated($subscriptionId: ID!) {
    jobsUpdated(subscriptionId: $subscriptionId) { ...JobRow }
  }
`);

const PresentJobs = graphql(`
  query PresentJobs {
    open: jobs(first: 100, filter: { states: [QUEUED, DISPATCHED, RUNNING] }) { edges { node { ...JobRow } } }
    newest: jobs(first: 20) { edges { node { ...JobRow } } }
  }
`);

const MissedJob = graphql(`
  query MissedJob($id: ID!) {
    job(id: $id) { ...JobRow }
  }
`);

interface Props {
  /** Whether the connection for live updates stands. */
  readonly connected: boolean;
  readonly children: ReactNode;
}

/** Listens to the jobs of every subscription (a connection of the server takes 50 operations: at most 40). */
export function LiveJobsProvider({ connected, children }: Props) {
  const client = useClient();
  const [jobs] = useState(() => new LiveJobs());
  const { data } = useFreshQuery(SubscriptionIds, {});
  const ids = data?.subscriptions.edges.map(({ node }) => node.id).join(' ');
  const [watch, setWatch] = useState<JobWatch>();

  useEffect(() => {
    const present = new JobWatch(jobs, portsOf(client));
    present.start((ids ?? '').split(' ').filter((id) => id !== ''));
    setWatch(present);
    return () => present.stop();
  }, [client, jobs, ids]);
  useEffect(() => {
    watch?.setConnected(connected && ids !== undefined);
  }, [watch, connected, ids]);

  return <LiveJobsContext value={jobs}>{children}</LiveJobsContext>;
}

function portsOf(client: Client): JobWatchPorts {
  return {
    subscribe: (subscriptionId, sink) =>
      client.subscription(JobsUpdated, { subscriptionId }).subscribe(({ data, error }) => {
        // After an error urql repeats what it has.
        if (error) sink.end();
        else if (data) sink.update(data.jobsUpdated);
      }).unsubscribe,
    readJobs: async () => {
      const { data } = await client.query(PresentJobs, {}, { requestPolicy: 'network-only' });
      return data && [...data.open.edges, ...data.newest.edges].map(({ node }) => node);
    },
    readJob: async (id) => (await client.query(MissedJob, { id }, { requestPolicy: 'network-only' })).data?.job,
    isVisible: () => document.visibilityState === 'visible',
    news: announceNews,
  };
}
