const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export const SESSION_IDLE_MS = 12 * HOUR;
export const SESSION_MAX_MS = 7 * 24 * HOUR;
/** A session that was used less than this long ago is not written again. */
export const SESSION_TOUCH_MS = 5 * MINUTE;
export const API_TOKEN_MAX_MS = 366 * 24 * HOUR;

/** When a session ends that is used now and began at `createdAt`: 12 hours from now, at most 7 days from the start. */
export function sessionExpiry(now: number, createdAt: number): number {
  return Math.min(now + SESSION_IDLE_MS, createdAt + SESSION_MAX_MS);
}
