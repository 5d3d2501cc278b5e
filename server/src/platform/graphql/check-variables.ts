import { isHoldfastError } from '@holdfast/core/errors';
import { GraphQLError, type GraphQLSchema, getVariableValues, type OperationDefinitionNode } from 'graphql';
import { refuseRequest } from './refuse-request.js';

/**
 * Refuses variables that hold more than `most` values, and then the first that is wrong. graphql-js describes all that
 * is wrong unless it is told when to stop, and shows the object around each unknown field in full: that takes the
 * square of how many there are.
 */
export function checkVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
  { most, hideSuggestions }: { readonly most: number; readonly hideSuggestions: boolean },
): void {
  if (holdsMoreThan(most, variables))
    throw refuseRequest(
      'TOO_MANY_VALUES',
      `The variables of a request hold at most ${most} values, with those inside lists and objects. Send fewer at a time.`,
    );
  const { errors } = getVariableValues(schema, variableDefinitions, variables, { maxErrors: 1, hideSuggestions });
  const first = errors?.[0];
  if (first === undefined) return;
  throw refuseRequest(codeOf(first), first.message, first.nodes);
}

/** Without recursion: JSON may be nested as deep as a body is long. */
function holdsMoreThan(most: number, variables: Readonly<Record<string, unknown>>): boolean {
  const open: object[] = [variables];
  let count = 0;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const values: readonly unknown[] = Array.isArray(at) ? at : Object.values(at);
    count += values.length;
    if (count > most) return true;
    for (const value of values) if (typeof value === 'object' && value !== null) open.push(value);
  }
  return false;
}

/** That of the scalar which refused the value, where it has one. */
function codeOf(error: GraphQLError): string {
  let cause: unknown = error;
  while (cause instanceof GraphQLError) cause = cause.originalError;
  return isHoldfastError(cause) ? cause.code : 'BAD_VARIABLE';
}
