import type { experimental } from '@grpc/grpc-js';
import type { Clock, Timers } from '@holdfast/core/clock';
import type { Log } from '../telemetry/log.js';
import type { Authority, IssuedIdentity, Subject } from './certificate-authority.js';

type IdentityListener = experimental.IdentityCertificateUpdateListener;
type CaListener = experimental.CaCertificateUpdateListener;

/** An identity of this process that is renewed when two thirds of its time have passed; listeners hear of each. */
export interface RotatingIdentity extends experimental.CertificateProvider {
  current(): IssuedIdentity;
  onRenewed(listener: (identity: IssuedIdentity) => void): void;
  stop(): void;
}

const RETRY_MS = 60_000;

export async function rotateIdentity(
  authority: Authority,
  subject: Subject,
  ports: { readonly clock: Clock; readonly timers: Timers; readonly log: Log },
): Promise<RotatingIdentity> {
  const servers = new Set<IdentityListener>();
  const renewed = new Set<(identity: IssuedIdentity) => void>();
  let identity = await authority.issue(subject);
  let stopped = false;
  let cancel = schedule(identity);

  function schedule(issued: IssuedIdentity): () => void {
    return ports.timers.after(((issued.notAfter - ports.clock.now()) * 2) / 3, () => void renew());
  }

  async function renew(): Promise<void> {
    try {
      identity = await authority.issue(subject);
    } catch (error) {
      ports.log.error({ err: error }, 'pki.renewal-failed');
      if (!stopped) cancel = ports.timers.after(RETRY_MS, () => void renew());
      return;
    }
    if (stopped) return;
    cancel = schedule(identity);
    for (const listener of servers) listener(asUpdate(identity));
    for (const listener of renewed) listener(identity);
    ports.log.info({ notAfter: identity.notAfter }, 'pki.identity-renewed');
  }

  return {
    current: () => identity,
    onRenewed: (listener) => void renewed.add(listener),
    stop() {
      stopped = true;
      cancel();
    },
    addIdentityCertificateListener(listener) {
      servers.add(listener);
      // Later, as grpc-js demands: a server that is told while it registers does not hear it.
      queueMicrotask(() => {
        if (servers.has(listener)) listener(asUpdate(identity));
      });
    },
    removeIdentityCertificateListener: (listener) => void servers.delete(listener),
    addCaCertificateListener: (listener: CaListener) =>
      queueMicrotask(() => listener({ caCertificate: Buffer.from(authority.certificate) })),
    removeCaCertificateListener: () => undefined,
  };
}

function asUpdate(identity: IssuedIdentity): experimental.IdentityCertificateUpdate {
  return { certificate: Buffer.from(identity.certificateChain), privateKey: Buffer.from(identity.key) };
}
