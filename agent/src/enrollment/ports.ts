import type { ServerAddress } from './server-address.js';

export interface HostFacts {
  readonly hostName: string;
  readonly operatingSystem: string;
  readonly architecture: string;
  readonly agentVersion: string;
}

export interface EnrollmentAnswer {
  readonly agentId: string;
  readonly agentName: string;
  readonly controlAddress: string;
  readonly certificateChain: string;
  readonly caCertificate: string;
}

/** Calls the enrolment service, trusting the given CA alone. */
export type SendEnrollment = (
  address: ServerAddress,
  caCertificate: string,
  request: { readonly token: string; readonly certificateRequest: Buffer; readonly host: HostFacts },
) => Promise<EnrollmentAnswer>;
