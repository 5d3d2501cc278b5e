import { CombinedError } from '@urql/core';
import { GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import { endsSession, problemOf } from './problem';

const refused = (code: string, reason: string) =>
  new CombinedError({ graphQLErrors: [new GraphQLError('No.', { extensions: { code, reason } })] });

it('a refusal keeps the words of the server and says what to do next', () => {
  expect(problemOf(refused('FORBIDDEN', 'ROLE'))).toEqual({
    code: 'FORBIDDEN',
    reason: 'ROLE',
    message: 'No.',
    nextStep: 'Ask an owner of this subscription or vault for a role that allows it.',
  });
});

it('a server that does not answer is said to be unreachable', () => {
  expect(problemOf(new CombinedError({ networkError: new TypeError('Failed to fetch') })).code).toBe('OFFLINE');
});

it('a missing session ends the session, a wrong password does not', () => {
  expect(endsSession(refused('UNAUTHENTICATED', 'NOT_SIGNED_IN'))).toBe(true);
  expect(endsSession(refused('UNAUTHENTICATED', 'WRONG_CREDENTIALS'))).toBe(false);
});
