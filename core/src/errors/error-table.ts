/** What went wrong, as far as every door has to tell cases apart. */
export type ErrorKind =
  | 'Validation'
  | 'Unauthenticated'
  | 'Forbidden'
  | 'NotFound'
  | 'Conflict'
  | 'IllegalState'
  | 'Locked'
  | 'WrongKey'
  | 'RateLimited'
  | 'Unavailable'
  | 'Timeout'
  | 'Cancelled'
  | 'Integrity'
  | 'Internal';

/** Whether the same call may be made again: `after-re-read` with fresh state, `if-idempotent` when a repetition does no harm. */
export type RetryRule = 'no' | 'yes' | 'after-re-read' | 'if-idempotent' | 'never';

export interface ErrorRow {
  /** `extensions.code` in GraphQL, and the code of a failure carried in-band on a stream. */
  readonly graphqlCode: string;
  /** Number of the gRPC status. */
  readonly grpcStatus: number;
  readonly cliExit: number;
  readonly retried: RetryRule;
}

// `satisfies Record<ErrorKind, …>` makes a missing row, and a row for no kind, a compile error.
const table = {
  Validation: { graphqlCode: 'BAD_USER_INPUT', grpcStatus: 3, cliExit: 2, retried: 'no' },
  Unauthenticated: { graphqlCode: 'UNAUTHENTICATED', grpcStatus: 16, cliExit: 20, retried: 'no' },
  Forbidden: { graphqlCode: 'FORBIDDEN', grpcStatus: 7, cliExit: 20, retried: 'no' },
  NotFound: { graphqlCode: 'NOT_FOUND', grpcStatus: 5, cliExit: 10, retried: 'no' },
  Conflict: { graphqlCode: 'CONFLICT', grpcStatus: 6, cliExit: 1, retried: 'no' },
  IllegalState: { graphqlCode: 'FAILED_PRECONDITION', grpcStatus: 9, cliExit: 1, retried: 'no' },
  Locked: { graphqlCode: 'LOCKED', grpcStatus: 10, cliExit: 11, retried: 'after-re-read' },
  WrongKey: { graphqlCode: 'WRONG_KEY', grpcStatus: 9, cliExit: 12, retried: 'no' },
  RateLimited: { graphqlCode: 'RATE_LIMITED', grpcStatus: 8, cliExit: 21, retried: 'yes' },
  Unavailable: { graphqlCode: 'UNAVAILABLE', grpcStatus: 14, cliExit: 21, retried: 'yes' },
  Timeout: { graphqlCode: 'TIMEOUT', grpcStatus: 4, cliExit: 21, retried: 'if-idempotent' },
  Cancelled: { graphqlCode: 'CANCELLED', grpcStatus: 1, cliExit: 130, retried: 'no' },
  Integrity: { graphqlCode: 'DATA_CORRUPTED', grpcStatus: 15, cliExit: 4, retried: 'never' },
  Internal: { graphqlCode: 'INTERNAL_SERVER_ERROR', grpcStatus: 13, cliExit: 1, retried: 'no' },
} as const satisfies Record<ErrorKind, ErrorRow>;

export const ERROR_TABLE: Readonly<Record<ErrorKind, ErrorRow>> = table;

export const ERROR_KINDS: readonly ErrorKind[] = Object.keys(table) as ErrorKind[];

const kindByCode = new Map<string, ErrorKind>(ERROR_KINDS.map((kind) => [table[kind].graphqlCode, kind]));

/** The kind that a GraphQL code or an in-band failure code stands for; undefined for an unknown code. */
export function kindOfCode(graphqlCode: string): ErrorKind | undefined {
  return kindByCode.get(graphqlCode);
}

// 9 stands for two kinds: a status without our trailer says no more than IllegalState.
const kindByStatus = new Map<number, ErrorKind>(
  ERROR_KINDS.filter((kind) => kind !== 'WrongKey').map((kind) => [table[kind].grpcStatus, kind]),
);

/** The kind that a gRPC status says when nothing else came with it. */
export function kindOfGrpcStatus(status: number): ErrorKind {
  return kindByStatus.get(status) ?? 'Internal';
}
