import { ConnectRequest } from '@holdfast/proto/v1';
import { boundedMessage } from '../../../platform/grpc/bounded-message.js';

/** What one host may be working on, or may have to say of its roots: far more than any has. */
const MOST = 10_000;
const MOST_NOTICES = 1_000;

/**
 * Any message of an agent. Repeated are: of hello (1) capabilities (2) and running (3), of job_finished (5) notices (3) and the
 * troubles (1) of its source (9), of source_checked (6) the troubles (1) of its check (2).
 */
export const decodeFromAgent = boundedMessage(ConnectRequest, {
  1: { inside: { 2: { most: MOST }, 3: { most: MOST } } },
  5: { inside: { 3: { most: MOST_NOTICES }, 9: { inside: { 1: { most: MOST } } } } },
  6: { inside: { 2: { inside: { 1: { most: MOST } } } } },
});
