import { HoldfastError } from '@holdfast/core/errors';
import { type ASTNode, GraphQLError } from 'graphql';

/** What is wrong can be a megabyte long and stands in the message, before what is wrong with it. */
const SHOWN_OF_EACH_END = 500;

/** A Validation about the request as a whole, as both doors take it: over HTTP the status is 400, as no field was resolved. */
export function refuseRequest(code: string, text: string, nodes: readonly ASTNode[] = []): GraphQLError {
  const message = shorten(text);
  return new GraphQLError(message, {
    nodes,
    originalError: new HoldfastError({ kind: 'Validation', code, message }),
    extensions: { http: { status: 400 } },
  });
}

function shorten(text: string): string {
  if (text.length <= 2 * SHOWN_OF_EACH_END) return text;
  return `${text.slice(0, SHOWN_OF_EACH_END)} … ${text.slice(-SHOWN_OF_EACH_END)}`.toWellFormed();
}
