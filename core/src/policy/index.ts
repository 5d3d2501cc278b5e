/** Policy maths: pure functions from rules and moments to moments and decisions. */

export type { BandwidthLimit, BandwidthLimits, BandwidthNow, BandwidthWindow } from './bandwidth.js';
export { bandwidthAt, checkBandwidthLimits } from './bandwidth.js';
export type { RunDecision, RunQuestion } from './decide-run.js';
export { decideRun, jitterOffset } from './decide-run.js';
export { nextOccurrence, previousOccurrence } from './occurrences.js';
export type { ScheduleRule, TimeOfDay, Weekday } from './schedule-rule.js';
export { checkScheduleRule, isTimeZone } from './schedule-rule.js';
