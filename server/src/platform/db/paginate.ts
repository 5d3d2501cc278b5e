import type { EntityName, FilterQuery, QueryOrderMap } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { checkPage, decodeCursor, encodeCursor, type Page, type PageRequest } from '../page.js';

/**
 * One page ordered by (key, id). Cursors hold both values, so a page neither repeats nor skips a row when rows
 * are inserted or deleted meanwhile. `key` is a column of integers (`createdAt`, `sequence`), indexed with the filter.
 */
export async function paginate<Row extends { id: string }>(
  em: SqlEntityManager,
  entity: EntityName<Row>,
  where: FilterQuery<Row>,
  key: keyof Row & string,
  request: PageRequest,
): Promise<Page<Row>> {
  const { first, after, direction = 'ASC' } = checkPage(request);
  const beyond = direction === 'ASC' ? '$gt' : '$lt';
  const conditions: object[] = [where as object];
  if (after !== undefined) {
    const position = decodeCursor(after);
    conditions.push({
      $or: [{ [key]: { [beyond]: position.key } }, { [key]: position.key, id: { [beyond]: position.id } }],
    });
  }
  const rows = await em.find(entity, { $and: conditions } as FilterQuery<Row>, {
    orderBy: [{ [key]: direction }, { id: direction }] as unknown as QueryOrderMap<Row>[],
    limit: first + 1,
  });
  const items = rows
    .slice(0, first)
    .map((item) => ({ cursor: encodeCursor({ key: Number(item[key]), id: item.id }), item: item }));
  return { items, hasNextPage: rows.length > first };
}

/** The same page with every row turned into what its port speaks of. */
export function mapPage<A, B>(page: Page<A>, map: (item: A) => B): Page<B> {
  return { items: page.items.map(({ cursor, item }) => ({ cursor, item: map(item) })), hasNextPage: page.hasNextPage };
}
