import { ERROR_TABLE, HoldfastError, toWireError } from '@holdfast/core/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Log } from '../telemetry/log.js';

/** Codes by which Apollo and graphql-js refuse a request before any resolver runs. */
const REFUSED_REQUESTS = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/**
 * The one place where errors become GraphQL errors: `extensions.code` from the table, `extensions.reason`,
 * `extensions.field` for a field of the input, the rest in `extensions.details`. What is no HoldfastError and no refusal
 * of the request itself is a defect: masked here, written to the log.
 */
export function formatError(error: unknown, log: Log, given?: GraphQLFormattedError): GraphQLFormattedError {
  const place =
    error instanceof GraphQLError
      ? { locations: error.locations ?? [], ...(error.path === undefined ? {} : { path: error.path }) }
      : {};
  const cause = holdfastErrorIn(error);
  if (cause === undefined) {
    const code = given?.extensions?.code ?? (error instanceof GraphQLError ? error.extensions.code : undefined);
    const original = error instanceof GraphQLError ? error.originalError : error;
    const refused =
      (typeof code === 'string' && REFUSED_REQUESTS.has(code)) ||
      (error instanceof GraphQLError &&
        (original === undefined || original === null || original instanceof GraphQLError));
    if (refused) {
      const message = given?.message ?? (error as GraphQLError).message;
      return {
        message,
        ...place,
        extensions: {
          code: ERROR_TABLE.Validation.graphqlCode,
          reason: typeof code === 'string' ? code : 'GRAPHQL_VALIDATION_FAILED',
        },
      };
    }
  }
  const thrown = cause ?? (error instanceof GraphQLError ? (error.originalError ?? error) : error);
  const { code, message, details } = toWireError(thrown);
  if (cause === undefined || cause.kind === 'Internal') log.error({ err: thrown }, 'graphql.defect');
  const { reason, field, ...rest } = details;
  return {
    message,
    ...place,
    extensions: {
      code,
      reason,
      ...(field === undefined ? {} : { field }),
      ...(Object.keys(rest).length === 0 ? {} : { details: rest }),
    },
  };
}

function holdfastErrorIn(error: unknown): HoldfastError | undefined {
  for (let at: unknown = error, depth = 0; at !== undefined && at !== null && depth < 5; depth += 1) {
    if (at instanceof HoldfastError) return at;
    at = at instanceof GraphQLError ? at.originalError : undefined;
  }
  return undefined;
}
