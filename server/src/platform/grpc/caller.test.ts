import { describe, expect, it } from 'vitest';
import type { AuthenticatedCall } from './caller.js';
import { callerFromCertificate, requireRole } from './caller.js';

const ID = '01901234-5678-7abc-8def-0123456789ab';
const call = (subjectaltname?: string): AuthenticatedCall => ({
  getAuthContext: () => ({ sslPeerCertificate: { subjectaltname, serialNumber: '4A' } as never }),
});

describe('the caller in a certificate', () => {
  it('is its one identity, whatever host names stand beside it', () => {
    expect(callerFromCertificate(call(`URI:holdfast://agent/${ID}`))).toEqual({ role: 'agent', id: ID, serial: '4A' });
    expect(callerFromCertificate(call(`DNS:localhost, IP Address:127.0.0.1, URI:holdfast://gateway/${ID}`)).role).toBe(
      'gateway',
    );
  });

  it.each([
    undefined,
    '',
    'DNS:localhost',
    `URI:holdfast://admin/${ID}`,
    `URI:holdfast://agent/${ID}, URI:holdfast://control/${ID}`,
    `URI:https://agent/${ID}`,
    `URI:holdfast://agent/${ID.toUpperCase()}`,
    `URI:holdfast://agent/${ID}/x`,
    `email:a@b, URI:holdfast://agent/${ID}`,
  ])('is nobody for %s', (names) => {
    expect(() => callerFromCertificate(call(names))).toThrowError(expect.objectContaining({ kind: 'Unauthenticated' }));
  });

  it('is nobody without a certificate', () => {
    expect(() => callerFromCertificate({ getAuthContext: () => ({}) })).toThrowError(
      expect.objectContaining({ kind: 'Unauthenticated' }),
    );
  });

  it('is refused under another role than the service is for', () => {
    expect(requireRole(call(`URI:holdfast://agent/${ID}`), 'agent').id).toBe(ID);
    expect(() => requireRole(call(`URI:holdfast://agent/${ID}`), 'gateway')).toThrowError(
      expect.objectContaining({ kind: 'Forbidden' }),
    );
  });
});
