import type { PaceLimits } from '../pace.js';
import type { CallerLimits, CallLimits } from './call-limits.js';
import type { ConnectionLimits } from './tls-listener.js';

/** The longest message that control takes: a gateway has a frame cut, with the edges of all its nodes. */
export const CONTROL_MESSAGE_BYTES = 10 * 1024 * 1024;

const NONE: CallerLimits = { atOnce: 0 };

/** Whole fleets come from one address, through NAT or a load balancer, and all at once after a restart of the server. */
const FLEET = { burst: 1_000, perSecond: 100 };

/** Doors for certificates: until its certificate is checked a connection is nobody's, and then its identity's. */
export const CERTIFICATE_DOOR: ConnectionLimits = {
  unknown: { pace: FLEET, places: 512, perAddress: 512, graceMs: 2_000 },
  // An agent has one connection per job and one to control, and for half a minute those that a broken network left behind.
  // Replicas of control show one identity.
  perIdentity: {
    agent: { atOnce: 16, pace: { burst: 100, perSecond: 5 } },
    gateway: { atOnce: 64 },
    control: { atOnce: 64 },
  },
};

/** The enrolment door: nobody has a certificate, so the address counts as long as a connection lasts. */
export const ENROLLMENT_DOOR: ConnectionLimits = {
  unknown: { pace: FLEET, places: 256, perAddress: 64, graceMs: 10_000 },
  perIdentity: { agent: NONE, gateway: NONE, control: NONE },
};

/** Calls that may be broken off on one connection: a gateway that has many agents waiting, and control while people browse, break off many. */
export const CERTIFICATE_RESETS: PaceLimits = { burst: 500, perSecond: 50 };
export const ENROLLMENT_RESETS: PaceLimits = { burst: 10, perSecond: 1 };

/**
 * At control an agent has its stream, a renewal and a health check, and each of them asks the database; it comes back seldom, and
 * more and more seldom. A gateway asks for all of its agents.
 */
export const CONTROL_CALLS: CallLimits = {
  agent: { atOnce: 4, pace: { burst: 60, perSecond: 1 } },
  gateway: { atOnce: 64 },
  control: { atOnce: 4 },
  unknown: NONE,
};
export const DATA_CALLS: CallLimits = {
  agent: { atOnce: 64 },
  gateway: { atOnce: 4 },
  control: { atOnce: 256 },
  unknown: NONE,
};
/** Each call is a line in the log. */
export const ENROLLMENT_CALLS: CallLimits = {
  agent: NONE,
  gateway: NONE,
  control: NONE,
  unknown: { atOnce: 64, pace: { burst: 1_000, perSecond: 20 } },
};
