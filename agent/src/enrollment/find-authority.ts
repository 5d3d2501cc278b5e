import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { HoldfastError } from '@holdfast/core/errors';
import type { ServerAddress } from './server-address.js';
import { formatAddress } from './server-address.js';

const CONNECT_TIMEOUT_MS = 15_000;
const LONGEST_CHAIN = 8;

/**
 * Takes the certificate chain of a server that is not trusted yet and returns, in PEM, the CA whose SHA-256 is the
 * fingerprint. Nothing is sent. Whoever answers must be certified by that CA to be spoken to afterwards.
 * Throws Unavailable when nobody answers, Unauthenticated when the CA is another.
 */
export async function findAuthority(address: ServerAddress, fingerprint: Uint8Array): Promise<string> {
  const chain = await fetchChain(address);
  const found = chain.find((certificate) =>
    timingSafeEqual(createHash('sha256').update(certificate.raw).digest(), fingerprint),
  );
  if (found?.ca === true) return found.toString();
  throw new HoldfastError({
    kind: 'Unauthenticated',
    code: 'WRONG_FINGERPRINT',
    message: `${formatAddress(address)} is not the server that issued this token: its certificate authority has another fingerprint. Nothing was sent.`,
  });
}

function fetchChain(address: ServerAddress): Promise<X509Certificate[]> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => {
      socket.destroy();
      reject(
        new HoldfastError({
          kind: 'Unavailable',
          code: 'SERVER_UNREACHABLE',
          message: `Cannot connect to ${formatAddress(address)}: ${why}.`,
          cause,
        }),
      );
    };
    const socket = connect({
      host: address.host,
      port: address.port,
      ...(isIP(address.host) === 0 ? { servername: address.host } : {}),
      ALPNProtocols: ['h2'],
      // Deliberate: the chain is only looked at here, and trusted by the token's fingerprint or not at all.
      rejectUnauthorized: false,
    });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => fail('no answer'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const otherDoor = error.code?.startsWith('ERR_SSL_') === true;
      fail(
        otherDoor ? 'no enrolment service listens there; check the port (8403 unless set otherwise)' : error.message,
        error,
      );
    });
    socket.on('close', () => fail('the connection was closed'));
    socket.once('secureConnect', () => {
      const chain: X509Certificate[] = [];
      let next = socket.getPeerX509Certificate();
      while (next !== undefined && chain.length < LONGEST_CHAIN) {
        chain.push(next);
        next = next.issuerCertificate;
      }
      socket.removeAllListeners('close');
      socket.destroy();
      resolve(chain);
    });
  });
}
