import type { CombinedError } from '@urql/core';

/** What went wrong, in words, and what the reader can do about it. */
export interface Problem {
  readonly message: string;
  readonly nextStep: string | undefined;
  readonly code: string;
  /** Finer than the code: `WRONG_CREDENTIALS`. */
  readonly reason: string | undefined;
}

/** By code, as every door of the server uses them. */
const NEXT_STEPS: Readonly<Record<string, string>> = {
  BAD_USER_INPUT: 'Correct the value and try again.',
  UNAUTHENTICATED: 'Sign in and try again.',
  FORBIDDEN: 'Ask an owner of this subscription or vault for a role that allows it.',
  NOT_FOUND: 'It may have been removed in the meantime, or you have no right to see it. Go back and reload the list.',
  CONFLICT: 'Choose another name, or look whether it was done already.',
  FAILED_PRECONDITION: 'Reload the page to see the present state.',
  LOCKED: 'Somebody else is changing it. Wait a moment and try again.',
  WRONG_KEY: "Check the vault's keys before anything else is changed.",
  RATE_LIMITED: 'Wait a minute and try again.',
  UNAVAILABLE: 'Try again in a moment. If it stays so, look at the state of the server and of the agent.',
  TIMEOUT: 'Try again. If it stays so, look at the state of the server and of the agent.',
  DATA_CORRUPTED: 'Stored data is damaged. Restore from another recovery point, and check the store of the vault.',
  INTERNAL_SERVER_ERROR: "The server's log has the reason.",
};

const OFFLINE: Problem = {
  code: 'OFFLINE',
  reason: undefined,
  message: 'The server does not answer.',
  nextStep: 'Check that Holdfast is running and that this computer reaches it, then try again.',
};

export function problemOf(error: CombinedError): Problem {
  const [first] = error.graphQLErrors;
  if (first === undefined) return OFFLINE;
  const code = textOf(first.extensions['code']) ?? 'INTERNAL_SERVER_ERROR';
  return { ...describe(code, first.message), reason: textOf(first.extensions['reason']) };
}

/** The failure of a job: what it met is over, so that there is no page to read again. */
export function describeFailure(code: string, message: string): Problem {
  const problem = describe(code, message);
  return code === 'FAILED_PRECONDITION' ? { ...problem, nextStep: undefined } : problem;
}

/** Any pair of a code and a message. */
export function describe(code: string, message: string): Problem {
  return { code, message, nextStep: NEXT_STEPS[code], reason: undefined };
}

export function endsSession(error: CombinedError): boolean {
  return error.graphQLErrors.some(
    ({ extensions }) => extensions['code'] === 'UNAUTHENTICATED' && extensions['reason'] === 'NOT_SIGNED_IN',
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
