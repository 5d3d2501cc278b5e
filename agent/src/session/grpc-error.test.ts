import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { fromGrpcError } from './grpc-error.js';

function failed(details: string): string {
  const error = Object.assign(new Error(details), { code: status.UNAVAILABLE, details, metadata: new Metadata() });
  return fromGrpcError(error).message;
}

describe('a connection that could not be made', () => {
  it('is told without what the library puts around the reason', () => {
    expect(
      failed('No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:8443. Resolution note: '),
    ).toBe('No connection to the server: connect ECONNREFUSED 127.0.0.1:8443.');
    expect(failed('The gateway is busy.')).toBe('The gateway is busy.');
  });

  it.each(['certificate is not yet valid', 'certificate has expired'])('points at the clock: %s', (reason) => {
    expect(failed(`No connection established. Last error: Error: ${reason}. Resolution note: `)).toMatch(
      /^No connection to the server: .*\. This host's clock says \d{4}-\d\d-\d\dT.*: is it right\?$/,
    );
  });
});
