import { type ReactNode, useEffect, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { graphql } from '../../gql';
import { announceNews } from '../../platform/graphql/news';
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

/** Listens to the jobs of every subscription (a connection of the server takes 50 operations: at most 40). */
export function LiveJobsProvider({ children }: { readonly children: ReactNode }) {
  const client = useClient();
  const [jobs] = useState(() => new LiveJobs());
  const [{ data }] = useQuery({ query: SubscriptionIds });
  const ids = data?.subscriptions.edges.map(({ node }) => node.id).join(' ');

  useEffect(() => {
    const ends = (ids ?? '')
      .split(' ')
      .filter((id) => id !== '')
      .map((subscriptionId) =>
        client.subscription(JobsUpdated, { subscriptionId }).subscribe(({ data: update }) => {
          if (update && jobs.take(update.jobsUpdated)) announceNews();
        }),
      );
    return () => {
      for (const { unsubscribe } of ends) unsubscribe();
    };
  }, [client, jobs, ids]);

  return <LiveJobsContext value={jobs}>{children}</LiveJobsContext>;
}
