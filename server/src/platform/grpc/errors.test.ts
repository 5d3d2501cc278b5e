import { Metadata, status } from '@grpc/grpc-js';
import { ERROR_KINDS, HoldfastError } from '@holdfast/core/errors';
import { describe, expect, it } from 'vitest';
import { ERROR_TRAILER, fromGrpcError, toGrpcStatus } from './errors.js';

const asClientSees = (answer: ReturnType<typeof toGrpcStatus>) =>
  Object.assign(new Error('9 FAILED'), { code: answer.code, details: answer.details, metadata: answer.metadata });

describe('an error that crosses gRPC', () => {
  it('arrives as the kind, reason, message and details that were thrown', () => {
    for (const kind of ERROR_KINDS.filter((each) => each !== 'Internal')) {
      const thrown = new HoldfastError({ kind, code: 'REASON', message: `It was ${kind}.`, details: { jobId: '1' } });
      expect(fromGrpcError(asClientSees(toGrpcStatus(thrown)))).toMatchObject({
        kind,
        code: 'REASON',
        message: `It was ${kind}.`,
        details: { jobId: '1' },
      });
    }
  });

  it('tells nothing about a defect', () => {
    const answer = toGrpcStatus(new Error('secret path'));
    expect(answer.code).toBe(status.INTERNAL);
    expect(JSON.stringify([answer.details, answer.metadata.get(ERROR_TRAILER).toString()])).not.toContain(
      'secret path',
    );
  });

  it('is read from the status alone when the trailer is absent or broken', () => {
    const broken = new Metadata();
    broken.set(ERROR_TRAILER, Buffer.from('{"code":1}'));
    for (const metadata of [new Metadata(), broken]) {
      const seen = fromGrpcError(
        Object.assign(new Error('14'), { code: status.UNAVAILABLE, details: 'No connection', metadata }),
      );
      expect(seen).toMatchObject({ kind: 'Unavailable', code: 'GRPC_UNAVAILABLE', message: 'No connection' });
    }
  });

  it('fits in trailers however long its words and details are', () => {
    const long = new HoldfastError({
      kind: 'Validation',
      code: 'LONG',
      message: 'x'.repeat(100_000),
      details: { all: 'y'.repeat(100_000) },
    });
    const answer = toGrpcStatus(long);
    const trailer = answer.metadata.get(ERROR_TRAILER)[0];
    expect(trailer?.length).toBeLessThan(6_001);
    expect(fromGrpcError(asClientSees(answer))).toMatchObject({ kind: 'Validation', code: 'LONG', details: {} });
  });

  it('never leaves half a character, which grpc-js cannot escape: it would throw where nobody catches', () => {
    for (const message of [`${'x'.repeat(999)}\u{1f5dd}`, 'from a caller: \ud800']) {
      const { details } = toGrpcStatus(new HoldfastError({ kind: 'Validation', code: 'X', message }));
      expect(() => encodeURI(details)).not.toThrow();
    }
  });
});
