import type { ReactNode } from 'react';
import type { FreshQuery } from '../graphql/use-fresh-query';
import { EmptyState } from './EmptyState';
import { LoadingRows } from './LoadingRows';

export interface ListContentProps {
  readonly query: Pick<FreshQuery<unknown>, 'error' | 'loading'>;
  readonly isEmpty: boolean;
  readonly emptyTitle: string;
  /** What to do when there is nothing yet. */
  readonly emptyAdvice: ReactNode;
  /** The table. */
  readonly children: ReactNode;
}

/** A list, or what stands in its place. A list that could not be read may well hold something: it is not called empty. */
export function ListContent({ query, isEmpty, emptyTitle, emptyAdvice, children }: ListContentProps) {
  if (query.loading) return <LoadingRows rows={4} />;
  if (!isEmpty) return children;
  return query.error ? null : <EmptyState title={emptyTitle}>{emptyAdvice}</EmptyState>;
}
