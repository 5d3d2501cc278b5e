import { describe, expect, it } from 'vitest';
import { ERROR_KINDS, ERROR_TABLE, fromWireError, HoldfastError, kindOfGrpcStatus, toWireError } from './index.js';

describe('the error table', () => {
  it('gives every kind a GraphQL code of its own, so that a code names one kind', () => {
    const codes = ERROR_KINDS.map((kind) => ERROR_TABLE[kind].graphqlCode);
    expect(new Set(codes).size).toBe(14);
  });

  it('maps kinds to the numbers of gRPC statuses and CLI exits that the doors promise', () => {
    const rows = ERROR_KINDS.map((kind) => [kind, ERROR_TABLE[kind].grpcStatus, ERROR_TABLE[kind].cliExit]);
    expect(rows).toEqual([
      ['Validation', 3, 2],
      ['Unauthenticated', 16, 20],
      ['Forbidden', 7, 20],
      ['NotFound', 5, 10],
      ['Conflict', 6, 1],
      ['IllegalState', 9, 1],
      ['Locked', 10, 11],
      ['WrongKey', 9, 12],
      ['RateLimited', 8, 21],
      ['Unavailable', 14, 21],
      ['Timeout', 4, 21],
      ['Cancelled', 1, 130],
      ['Integrity', 15, 4],
      ['Internal', 13, 1],
    ]);
  });

  it('reads a bare gRPC status as the plainest kind that has it', () => {
    expect(kindOfGrpcStatus(9)).toBe('IllegalState');
    expect(kindOfGrpcStatus(15)).toBe('Integrity');
    expect(kindOfGrpcStatus(12)).toBe('Internal');
  });
});

describe('an error on the wire', () => {
  it('arrives with kind, reason, words and details', () => {
    for (const kind of ERROR_KINDS.filter((each) => each !== 'Internal')) {
      const sent = new HoldfastError({ kind, code: 'SOME_REASON', message: 'Words.', details: { id: '7' } });
      const got = fromWireError(toWireError(sent));
      expect([got.kind, got.code, got.message, got.details]).toEqual([kind, 'SOME_REASON', 'Words.', { id: '7' }]);
    }
  });

  it('hides the words of a defect', () => {
    const wire = toWireError(new TypeError('cannot read /root/secret'));
    expect(wire.code).toBe('INTERNAL_SERVER_ERROR');
    expect(JSON.stringify(wire)).not.toContain('secret');
  });

  it('keeps the cause on this side', () => {
    const cause = new Error('disk');
    const error = new HoldfastError({ kind: 'Unavailable', code: 'STORE', message: 'Store.', cause });
    expect(error.cause).toBe(cause);
    expect(Object.keys(toWireError(error))).toEqual(['code', 'message', 'details']);
  });
});
