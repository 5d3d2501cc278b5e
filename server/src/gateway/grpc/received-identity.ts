import { X509Certificate } from 'node:crypto';
import type { experimental } from '@grpc/grpc-js';
import type { IssuedIdentity } from '../../platform/pki/certificate-authority.js';
import type { RotatingIdentity } from '../../platform/pki/rotating-identity.js';
import type { GatewayCredentials } from '../../platform/process-channel.js';

type IdentityListener = experimental.IdentityCertificateUpdateListener;
type CaListener = experimental.CaCertificateUpdateListener;

/** The gateway's identity as control issues it: kept in memory, replaced by each renewal, used for new connections. */
export class ReceivedIdentity implements RotatingIdentity {
  private readonly identityListeners = new Set<IdentityListener>();
  private readonly caListeners = new Set<CaListener>();
  private readonly renewedListeners = new Set<(identity: IssuedIdentity) => void>();

  constructor(private credentials: GatewayCredentials) {}

  renew(credentials: GatewayCredentials): void {
    this.credentials = credentials;
    for (const listener of this.caListeners) listener(this.ca());
    for (const listener of this.identityListeners) listener(this.identity());
    for (const listener of this.renewedListeners) listener(this.current());
  }

  current(): IssuedIdentity {
    const { certificateChain, key } = this.credentials;
    return { certificateChain, key, notAfter: Date.parse(new X509Certificate(certificateChain).validTo) };
  }

  onRenewed(listener: (identity: IssuedIdentity) => void): void {
    this.renewedListeners.add(listener);
  }

  stop(): void {
    this.renewedListeners.clear();
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.identityListeners.add(listener);
    // Later: a gRPC server that is told while it registers does not hear it.
    queueMicrotask(() => {
      if (this.identityListeners.has(listener)) listener(this.identity());
    });
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.identityListeners.delete(listener);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.caListeners.add(listener);
    queueMicrotask(() => {
      if (this.caListeners.has(listener)) listener(this.ca());
    });
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.caListeners.delete(listener);
  }

  private identity(): experimental.IdentityCertificateUpdate {
    return {
      certificate: Buffer.from(this.credentials.certificateChain),
      privateKey: Buffer.from(this.credentials.key),
    };
  }

  private ca(): experimental.CaCertificateUpdate {
    return { caCertificate: Buffer.from(this.credentials.ca) };
  }
}
