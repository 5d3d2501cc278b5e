import 'reflect-metadata';
import { generateKeyPairSync, KeyObject, webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';

export interface AgentKey {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** PKCS #10, DER, signed by the private key. */
  readonly certificateRequest: Buffer;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };

/** A fresh ECDSA P-256 key pair and the request to certify it. The server takes the public key from the request and nothing else. */
export async function createAgentKey(): Promise<AgentKey> {
  const pair = generateKeyPairSync('ec', { namedCurve: ALGORITHM.namedCurve });
  const keys = {
    privateKey: await asCryptoKey(pair.privateKey, 'sign'),
    publicKey: await asCryptoKey(pair.publicKey, 'verify'),
  };
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=holdfast-agent',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return {
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificateRequest: Buffer.from(request.rawData),
  };
}

function asCryptoKey(key: KeyObject, usage: 'sign' | 'verify'): Promise<webcrypto.CryptoKey> {
  const format = usage === 'sign' ? 'pkcs8' : 'spki';
  const der = key.export({ type: format, format: 'der' } as { type: 'spki'; format: 'der' });
  return webcrypto.subtle.importKey(format, der, ALGORITHM, true, [usage]);
}
