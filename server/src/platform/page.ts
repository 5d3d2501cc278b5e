import { HoldfastError } from '@holdfast/core/errors';

export const MAX_PAGE = 200;

export interface PageRequest {
  /** 1 to 200. */
  readonly first: number;
  /** A cursor of an earlier page: the page starts behind it. */
  readonly after?: string;
  readonly direction?: 'ASC' | 'DESC';
}

export interface Page<T> {
  readonly items: readonly { readonly cursor: string; readonly item: T }[];
  readonly hasNextPage: boolean;
}

/** A place in a list: the value that it is ordered by, and the id that tells equal ones apart. */
export interface Position {
  readonly key: number;
  readonly id: string;
}

export function encodeCursor(position: Position): string {
  return Buffer.from(`${position.key}:${position.id}`, 'utf8').toString('base64url');
}

/** Throws Validation on anything that `encodeCursor` cannot have made. */
export function decodeCursor(cursor: string): Position {
  const match =
    cursor.length > 200
      ? null
      : /^(-?\d{1,16}):([0-9a-f-]{36})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  const position = { key: Number(match?.[1]), id: match?.[2] ?? '' };
  if (match === null || encodeCursor(position) !== cursor) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'MALFORMED_CURSOR',
      message: 'This is not a cursor that this server gave out.',
    });
  }
  return position;
}

/** Throws Validation unless 1 <= first <= 200: a page is never silently cut, nor unbounded. */
export function checkPage(page: PageRequest): PageRequest {
  if (!Number.isInteger(page.first) || page.first < 1 || page.first > MAX_PAGE) {
    throw new HoldfastError({ kind: 'Validation', code: 'PAGE_SIZE', message: `A page has 1 to ${MAX_PAGE} entries.` });
  }
  return page;
}
