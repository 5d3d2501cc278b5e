import { MOMENTS, type Moment } from '@holdfast/core/moments';
import type { SeededChance } from '../kit/seeded-chance.js';
import type { Party } from './life.js';

/** Who dies when a moment is reached for the nth time; with `power`, the server's machine goes dark. */
export interface Strike {
  readonly moment: Moment;
  readonly nth: number;
  readonly victims: readonly Party[];
  readonly power: boolean;
}

const EVERYBODY: readonly Party[] = ['agent', 'gateway', 'control'];
/** Moments that come once in a job, or about as often as there are packs. */
const RARE = /^(control|agent\.(all|commit|cache|outcome)|gateway\.(commit|footers|point))/;

export function partyOf(moment: Moment): Party {
  const [who] = moment.split('.');
  return who === 'agent' || who === 'control' ? who : 'gateway';
}

/** None to three in one job, each armed once the one before it has struck. */
export function drawStrikes(chance: SeededChance): Strike[] {
  const count = chance.pick([0, 1, 1, 1, 2, 2, 3]);
  return Array.from({ length: count }, () => {
    const moment = chance.pick(MOMENTS);
    const nth = RARE.test(moment) ? 1 : 1 + chance.below(6);
    const how = chance.below(10);
    if (how < 5) return { moment, nth, victims: [partyOf(moment)], power: false };
    if (how < 7) return { moment, nth, victims: [chance.pick(EVERYBODY)], power: false };
    if (how < 8) return { moment, nth, victims: EVERYBODY, power: false };
    return { moment, nth, victims: ['gateway', 'control'], power: true };
  });
}

export function describeStrike({ moment, nth, victims, power }: Strike): string {
  return `${victims.join('+')}${power ? ' and the power' : ''} at ${moment}#${nth}`;
}
