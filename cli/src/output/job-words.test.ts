import { expect, it } from 'vitest';
import { reasonOf } from './job-words.js';

const missing = 'The store is not there.';
const second = { attempt: 2, previousAttemptError: { message: `The gateway refused for ten minutes: ${missing}` } };

it('says why an attempt failed and what the next one waits for', () => {
  expect(reasonOf({ ...second, error: null, waitingFor: 'The store is full.' })).toBe(
    `Attempt 1 failed: The gateway refused for ten minutes: ${missing} The store is full.`,
  );
});

it('says once what both come to', () => {
  expect(reasonOf({ ...second, error: null, waitingFor: missing })).toBe(
    `Attempt 1 failed: The gateway refused for ten minutes: ${missing} Attempt 2 waits for the same.`,
  );
});
