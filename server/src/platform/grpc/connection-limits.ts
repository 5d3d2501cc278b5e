import type { CallLimits } from './call-limits.js';
import type { ConnectionLimits } from './tls-listener.js';

/** Whole fleets come from one address, through NAT or a load balancer, and all at once after a restart of the server. */
const FLEET = { burst: 1_000, perSecond: 100 };

/** Doors for certificates: until its certificate is checked a connection is nobody's, and then its identity's. */
export const CERTIFICATE_DOOR: ConnectionLimits = {
  unknown: { ...FLEET, places: 512, perAddress: 512, graceMs: 2_000 },
  // An agent has one connection per job and one to control, and for half a minute those that a broken network left behind.
  // Replicas of control show one identity.
  perIdentity: { agent: 24, gateway: 64, control: 64 },
};

/** The enrolment door: nobody has a certificate, so the address counts as long as a connection lasts. */
export const ENROLLMENT_DOOR: ConnectionLimits = {
  unknown: { ...FLEET, places: 256, perAddress: 64, graceMs: 10_000 },
  perIdentity: { agent: 0, gateway: 0, control: 0 },
};

/** At control an agent has its stream, a renewal and a health check; a gateway asks for all of its agents. */
export const CONTROL_CALLS: CallLimits = { agent: 4, gateway: 64, control: 4, unknown: 0 };
export const DATA_CALLS: CallLimits = { agent: 64, gateway: 4, control: 256, unknown: 0 };
export const ENROLLMENT_CALLS: CallLimits = { agent: 0, gateway: 0, control: 0, unknown: 64 };
