import type { AttemptLimiter } from './attempt-limiter.js';
import type { PasswordHasher } from './password-hashing.js';
import type { SessionEnds } from './session-ends.js';

export interface AccessServices {
  readonly passwords: PasswordHasher;
  readonly attempts: AttemptLimiter;
  readonly sessionEnds: SessionEnds;
}
