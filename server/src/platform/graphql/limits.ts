import { createRequire } from 'node:module';
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isListType,
  isNullableType,
  NoSchemaIntrospectionCustomRule,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import type { ComplexityEstimator } from 'graphql-query-complexity';
import { MAX_PAGE } from '../page.js';
import { checkVariables } from './check-variables.js';
import { refuseRequest } from './refuse-request.js';

// Its ESM build loads graphql's .mjs files: a second copy, whose types match nothing, so no query would ever be too costly.
const { getComplexity, fieldExtensionsEstimator } = createRequire(import.meta.url)(
  'graphql-query-complexity',
) as typeof import('graphql-query-complexity');

export const LIMITS = {
  bodyBytes: 1_000_000,
  /** Of who has not signed in: that and the setup take little. */
  strangerBodyBytes: 16 * 1024,
  /** Checking whether fields of one name can be merged takes the square of how many there are. */
  tokens: 1_500,
  /**
   * In all variables together, also inside lists and objects: the largest input holds 100 roots and twice 1,000
   * patterns. Lists in the document itself have fewer entries than it has tokens.
   */
  values: 4_000,
  depth: 15,
  aliases: 30,
  cost: 20_000,
  /** One operation, start to end. */
  operationMs: 60_000,
} as const;

export interface AskedOperation {
  readonly document: DocumentNode;
  readonly operationName?: string | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/** A list that is not paged is taken for this many entries. */
const PLAIN_LIST = 10;

/** As an ordinary validation error: thrown out of a rule it would count as the server's own failure. */
const REPORTED = {
  propagateOnRejection: false,
  onReject: [(context: ValidationContext | null, error: GraphQLError) => context?.reportError(error)],
};

/** Rules that a document has to pass before it is looked at closely; the same over HTTP and WebSocket. */
export function limitRules(introspection: boolean): ValidationRule[] {
  return [
    maxDepthRule({ n: LIMITS.depth, ignoreIntrospection: true, flattenFragments: false, ...REPORTED }),
    maxAliasesRule({ n: LIMITS.aliases, ...REPORTED }),
    ...(introspection ? [] : [NoSchemaIntrospectionCustomRule]),
  ];
}

/**
 * Throws a Validation that HTTP answers with 400 when the variables are wrong or too many, or when the operation could
 * make the server produce too much. Whatever passes, execution takes without looking for errors again; where the
 * document has no such operation, execution says so before it looks at a variable. Answers the cost.
 */
export function checkOperation(schema: GraphQLSchema, request: AskedOperation, introspection: boolean): number {
  const { document, operationName, variables = {} } = request;
  const operation = getOperationAST(document, operationName);
  if (!operation) return 0;
  checkVariables(schema, operation, variables, { most: LIMITS.values, hideSuggestions: !introspection });
  const cost = getComplexity({
    schema,
    query: document,
    ...(operation.name === undefined ? {} : { operationName: operation.name.value }),
    variables,
    estimators: [fieldExtensionsEstimator(), estimateField],
  });
  if (cost > LIMITS.cost) {
    throw refuseRequest(
      'QUERY_TOO_COSTLY',
      `This operation costs ${cost}, more than ${LIMITS.cost}. Ask for smaller pages or fewer fields.`,
    );
  }
  return cost;
}

/** 1 for the field and what lies below it, as many times as it may appear. */
const estimateField: ComplexityEstimator = ({ field, args, childComplexity }) => {
  if (field.args.some(({ name }) => name === 'first')) return 1 + pageSize(args.first) * childComplexity;
  // The page's size has been counted at the connection.
  const repeats = isList(field.type) && field.name !== 'edges' ? PLAIN_LIST : 1;
  return 1 + repeats * childComplexity;
};

/** No number, as in `first: null`, counts as the most there may be. */
function pageSize(first: unknown): number {
  return typeof first === 'number' ? Math.min(Math.max(first, 1), MAX_PAGE) : MAX_PAGE;
}

function isList(type: GraphQLOutputType): boolean {
  const bare = isNullableType(type) ? type : (type as unknown as { ofType: GraphQLOutputType }).ofType;
  return isListType(bare) && getNamedType(bare) !== undefined;
}
