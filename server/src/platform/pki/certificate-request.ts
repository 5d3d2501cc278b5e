import 'reflect-metadata';
import { createPublicKey, webcrypto } from 'node:crypto';
import { HoldfastError } from '@holdfast/core/errors';
import type { PublicKey } from '@peculiar/x509';
import { Pkcs10CertificateRequest } from '@peculiar/x509';

const LARGEST_REQUEST_BYTES = 4_096;

/**
 * The public key of a PKCS #10 request whose sender has proven to hold the private key. Nothing else is taken
 * from the request: names in it are the sender's wishes. Throws Validation.
 */
export async function publicKeyOfRequest(der: Uint8Array): Promise<PublicKey> {
  if (der.length > LARGEST_REQUEST_BYTES) throw malformed('The certificate request is too large.');
  const request = parse(der);
  if (!isP256(request.publicKey)) throw malformed('The key of the certificate request has to be ECDSA P-256.');
  if (!(await proves(request))) throw malformed('The certificate request is not signed by the key in it.');
  return request.publicKey;
}

function parse(der: Uint8Array): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(Buffer.from(der));
  } catch (cause) {
    throw malformed('The certificate request is not PKCS #10 in DER.', cause);
  }
}

function isP256(key: PublicKey): boolean {
  try {
    const parsed = createPublicKey({ key: Buffer.from(key.rawData), format: 'der', type: 'spki' });
    return parsed.asymmetricKeyType === 'ec' && parsed.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}

async function proves(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify(webcrypto);
  } catch {
    return false;
  }
}

function malformed(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code: 'BAD_CERTIFICATE_REQUEST', message, cause });
}
