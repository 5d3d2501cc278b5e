import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import type { JsonGeneralNames, X509Certificate } from '@peculiar/x509';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export interface IssuedCertificate {
  /** Leaf, then CA. */
  readonly chain: string;
  readonly privateKey: string;
}

/** A small certificate authority like the server's, for tests against real TLS. */
export class TestAuthority {
  private serial = 1;

  private constructor(
    private readonly keys: webcrypto.CryptoKeyPair,
    private readonly certificate: X509Certificate,
  ) {}

  static async create(): Promise<TestAuthority> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name: 'CN=Test CA',
      ...validity(365),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestAuthority(keys, certificate);
  }

  get pem(): string {
    return this.certificate.toString('pem');
  }

  /** SHA-256 of the certificate's DER, base64url. */
  get fingerprint(): string {
    return createHash('sha256').update(Buffer.from(this.certificate.rawData)).digest('base64url');
  }

  async issueServer(role: 'control' | 'gateway' | 'agent', host = '127.0.0.1'): Promise<IssuedCertificate> {
    const keys = await newKeys();
    const names: JsonGeneralNames = [
      { type: 'url', value: `holdfast://${role}/01901234-5678-7abc-8def-0123456789ab` },
      { type: /^[\d.]+$/.test(host) ? 'ip' : 'dns', value: host },
    ];
    const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    const body = Buffer.from(der)
      .toString('base64')
      .replace(/(.{64})/g, '$1\n');
    return {
      chain: await this.sign(keys.publicKey, names, [ExtendedKeyUsage.serverAuth], 30),
      privateKey: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
    };
  }

  /** As the server answers a request: the public key is taken, and nothing else. */
  async issueAgent(certificateRequest: Uint8Array, agentId: string, days = 30, startedDaysAgo = 0): Promise<string> {
    const request = new Pkcs10CertificateRequest(Uint8Array.from(certificateRequest));
    if (!(await request.verify())) throw new Error('the request is not signed by its key');
    const names: JsonGeneralNames = [{ type: 'url', value: `holdfast://agent/${agentId}` }];
    const publicKey = await webcrypto.subtle.importKey('spki', request.publicKey.rawData, ALGORITHM, true, ['verify']);
    return this.sign(publicKey, names, [ExtendedKeyUsage.clientAuth], days, startedDaysAgo);
  }

  private async sign(
    publicKey: webcrypto.CryptoKey,
    names: JsonGeneralNames,
    usage: string[],
    days: number,
    startedDaysAgo = 0,
  ): Promise<string> {
    const certificate = await X509CertificateGenerator.create({
      serialNumber: (++this.serial).toString(16).padStart(2, '0'),
      subject: 'CN=test',
      issuer: this.certificate.subject,
      ...validity(days, startedDaysAgo),
      signingAlgorithm: ALGORITHM,
      publicKey,
      signingKey: this.keys.privateKey,
      extensions: [new SubjectAlternativeNameExtension(names), new ExtendedKeyUsageExtension(usage)],
    });
    return `${certificate.toString('pem')}\n${this.pem}\n`;
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity(days: number, startedDaysAgo = 0): { notBefore: Date; notAfter: Date } {
  const start = Date.now() - 60_000 - startedDaysAgo * DAY_MS;
  return { notBefore: new Date(start), notAfter: new Date(start + days * DAY_MS) };
}
