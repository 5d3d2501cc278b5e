import type { ReactNode } from 'react';
import { problemOf } from '../graphql/problem';
import type { FreshQuery } from '../graphql/use-fresh-query';
import { Page } from '../routing/Page';
import { EmptyState } from './EmptyState';
import { LoadingRows } from './LoadingRows';
import { Panel } from './Panel';
import { ProblemAlert } from './ProblemAlert';

interface ListPageProps {
  readonly title: string;
  readonly actions: ReactNode;
  /** What the alert over a failed query says: "The agents could not be read". */
  readonly failure: string;
  readonly query: Pick<FreshQuery<unknown>, 'error' | 'loading' | 'reload'>;
  /** Stands between the title and the list. */
  readonly notices?: ReactNode;
  readonly panel: string;
  readonly isEmpty: boolean;
  readonly emptyTitle: string;
  /** What to do when there is nothing yet. */
  readonly emptyAdvice: ReactNode;
  /** The table. */
  readonly children: ReactNode;
}

/** A page with one list: what it shows while it is read, when that fails, and when there is nothing. */
export function ListPage(props: ListPageProps) {
  const { title, actions, failure, query, notices, panel, isEmpty, emptyTitle, emptyAdvice, children } = props;
  return (
    <Page title={title} actions={actions}>
      {query.error && <ProblemAlert title={failure} problem={problemOf(query.error)} onRetry={query.reload} />}
      {notices}
      <Panel title={panel} flush>
        {query.loading ? (
          <LoadingRows rows={4} />
        ) : isEmpty ? (
          <EmptyState title={emptyTitle}>{emptyAdvice}</EmptyState>
        ) : (
          children
        )}
      </Panel>
    </Page>
  );
}
