import type { ReactNode } from 'react';
import { problemOf } from '../graphql/problem';
import type { FreshQuery } from '../graphql/use-fresh-query';
import { Page } from '../routing/Page';
import { ListContent, type ListContentProps } from './ListContent';
import { Panel } from './Panel';
import { ProblemAlert } from './ProblemAlert';

interface ListPageProps extends ListContentProps {
  readonly title: string;
  readonly actions: ReactNode;
  /** What the alert over a failed query says: "The agents could not be read". */
  readonly failure: string;
  readonly query: Pick<FreshQuery<unknown>, 'error' | 'loading' | 'reload'>;
  /** Stands between the title and the list. */
  readonly notices?: ReactNode;
  readonly panel: string;
  /** Stands below the list. */
  readonly below?: ReactNode;
}

/** A page with one list: what it shows while it is read, when that fails, and when there is nothing. */
export function ListPage({ title, actions, failure, notices, panel, below, query, ...list }: ListPageProps) {
  return (
    <Page title={title} actions={actions}>
      {query.error && <ProblemAlert title={failure} problem={problemOf(query.error)} onRetry={query.reload} />}
      {notices}
      <Panel title={panel} flush>
        <ListContent query={query} {...list} />
      </Panel>
      {below}
    </Page>
  );
}
