import { MOMENTS, type Moment } from '@holdfast/core/moments';
import type { SeededChance } from '../kit/seeded-chance.js';
import type { Appointment } from './armed.js';
import type { Party } from './life.js';

/** Who dies then; with `power`, the server's machine goes dark. */
export interface Strike extends Appointment {
  readonly victims: readonly Party[];
  readonly power: boolean;
}

/** What becomes of packs in the store then: some vanish, or those that are away come back, changed or not. */
export interface Mishap extends Appointment {
  readonly what: 'lose' | 'bring back' | 'bring back changed';
}

const EVERYBODY: readonly Party[] = ['agent', 'gateway', 'control'];
/** Moments that come once in a job, or about as often as there are packs. */
const RARE = /^(control|agent\.(all|commit|cache|outcome)|gateway\.(commit|footers|point))/;

export function partyOf(moment: Moment): Party {
  const [who] = moment.split('.');
  return who === 'agent' || who === 'control' ? who : 'gateway';
}

/** None to three in one job. Where others want places, uploads that give way are struck more often than others. */
export function drawStrikes(chance: SeededChance, isCrowded: boolean): Strike[] {
  const count = chance.pick([0, 1, 1, 1, 2, 2, 3]);
  return Array.from({ length: count }, () => {
    if (isCrowded && chance.below(2) === 0) return drawStrikeAtPause(chance);
    const { moment, nth } = drawAppointment(chance);
    const how = chance.below(10);
    if (how < 5) return { moment, nth, victims: [partyOf(moment)], power: false };
    if (how < 7) return { moment, nth, victims: [chance.pick(EVERYBODY)], power: false };
    if (how < 8) return { moment, nth, victims: EVERYBODY, power: false };
    return { moment, nth, victims: ['gateway', 'control'], power: true };
  });
}

/** None to two in one job. */
export function drawMishaps(chance: SeededChance): Mishap[] {
  const count = chance.pick([0, 1, 1, 2]);
  return Array.from({ length: count }, () => ({ ...drawAppointment(chance), what: drawMishap(chance) }));
}

export function drawMishap(chance: SeededChance): Mishap['what'] {
  return chance.pick(['lose', 'lose', 'bring back', 'bring back changed']);
}

function drawAppointment(chance: SeededChance): Appointment {
  const moment = chance.pick(MOMENTS);
  return { moment, nth: RARE.test(moment) ? 1 : 1 + chance.below(6) };
}

/** The agent dies as often as the gateway: what it has sent half is nobody's then. */
function drawStrikeAtPause(chance: SeededChance): Strike {
  const moment = chance.pick(['gateway.pack-paused', 'gateway.pack-resumed'] as const);
  const nth = 1 + chance.below(3);
  if (chance.below(4) === 0) return { moment, nth, victims: ['gateway', 'control'], power: true };
  return { moment, nth, victims: chance.pick([['agent'], ['gateway'], EVERYBODY]), power: false };
}

export function describeMishap({ what, moment, nth }: Mishap): string {
  return `${what} at ${moment}#${nth}`;
}

export function describeStrike({ moment, nth, victims, power }: Strike): string {
  return `${victims.join('+')}${power ? ' and the power' : ''} at ${moment}#${nth}`;
}
