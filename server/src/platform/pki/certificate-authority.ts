import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '@holdfast/core/clock';
import type { Random } from '@holdfast/core/ids';
import * as x509 from '@peculiar/x509';
import type { CallerRole } from '../grpc/caller.js';
import { publicKeyOfRequest } from './certificate-request.js';

/** A certificate whose private key its holder has. */
export interface IssuedCertificate {
  /** PEM: the certificate, then the CA's, so that a client that knows the CA by fingerprint finds it in the handshake. */
  readonly certificateChain: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/** As above, with a key that was made for it. */
export interface IssuedIdentity extends IssuedCertificate {
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Subject {
  /** Host names and IP addresses that a server answers under. */
  readonly hosts?: readonly string[];
  /** Who a client is. */
  readonly identity?: { readonly role: CallerRole; readonly id: string };
}

export interface Authority {
  readonly certificate: string;
  /** SHA-256 of the CA certificate's DER. */
  readonly fingerprint: Buffer;
  /** A certificate for whoever proves in a PKCS #10 request (DER) to hold the key in it. Throws Validation. */
  certify(request: Uint8Array, subject: Subject): Promise<IssuedCertificate>;
  /** A certificate with a fresh key, for the server's own processes. */
  issue(subject: Subject): Promise<IssuedIdentity>;
}

export const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
export const CERTIFICATE_NAME = 'CN=Holdfast';

const DAY_MS = 86_400_000;
const SERVER_DAYS = 90;
const CLIENT_DAYS = 30;
const CA_DAYS = 20 * 365;
// Hosts whose clocks run behind must not refuse a fresh certificate.
const BACKDATED_MS = 10 * 60_000;

export interface AuthorityKeys {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/** A new CA: may sign leaf certificates only. */
export async function generateAuthority(
  clock: Clock,
  random: Random,
): Promise<AuthorityKeys & { readonly keys: webcrypto.CryptoKeyPair }> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const now = clock.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(random),
      name: `${CERTIFICATE_NAME} CA`,
      notBefore: new Date(now - BACKDATED_MS),
      notAfter: new Date(now + CA_DAYS * DAY_MS),
      keys,
      signingAlgorithm: EC,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate, key: keys.privateKey, keys };
}

export function createAuthority(
  ca: AuthorityKeys,
  ports: { readonly clock: Clock; readonly random: Random },
): Authority {
  const caPem = pem(ca.certificate);

  async function sign(publicKey: x509.PublicKey | webcrypto.CryptoKey, subject: Subject): Promise<IssuedCertificate> {
    const now = ports.clock.now();
    // Agents renew by themselves every day they run; the server's own certificates never leave its machine.
    const days = subject.hosts === undefined ? CLIENT_DAYS : SERVER_DAYS;
    const notAfter = Math.min(now + days * DAY_MS, ca.certificate.notAfter.getTime());
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: serialNumber(ports.random),
        subject: CERTIFICATE_NAME,
        issuer: ca.certificate.subjectName,
        notBefore: new Date(now - BACKDATED_MS),
        notAfter: new Date(notAfter),
        publicKey,
        signingKey: ca.key,
        signingAlgorithm: EC,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(usages(subject)),
          new x509.SubjectAlternativeNameExtension(names(subject)),
          await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
          await x509.AuthorityKeyIdentifierExtension.create(ca.certificate.publicKey, false, webcrypto),
        ],
      },
      webcrypto,
    );
    return { certificateChain: pem(certificate) + caPem, notAfter };
  }

  return {
    certificate: caPem,
    fingerprint: createHash('sha256').update(Buffer.from(ca.certificate.rawData)).digest(),
    certify: async (request, subject) => sign(await publicKeyOfRequest(request), subject),
    async issue(subject) {
      const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
      const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
      return { ...(await sign(keys.publicKey, subject)), key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n` };
    },
  };
}

function usages(subject: Subject): x509.ExtendedKeyUsage[] {
  return [
    ...(subject.hosts === undefined ? [] : [x509.ExtendedKeyUsage.serverAuth]),
    ...(subject.identity === undefined ? [] : [x509.ExtendedKeyUsage.clientAuth]),
  ];
}

function names(subject: Subject): x509.JsonGeneralNames {
  const hosts = (subject.hosts ?? []).map((value) => ({
    type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
    value,
  }));
  const { identity } = subject;
  return identity === undefined
    ? hosts
    : [...hosts, { type: 'url' as const, value: `holdfast://${identity.role}/${identity.id}` }];
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

// RFC 5280, 4.1.2.2: positive, at most 20 octets.
function serialNumber(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
