import type { Clock, Timers } from '@holdfast/core/clock';
import { Pace, type PaceLimits, tooFast } from './pace.js';

export interface TurnLimits {
  /** Under way at a time, of one key. */
  readonly atOnce: number;
  /** So many of these may be patient ones. */
  readonly patientAtOnce: number;
  /** Waiting, of one key; beyond, and after `patienceMs`, they are refused. */
  readonly waiting: number;
  readonly patienceMs: number;
  /** Milliseconds of the thread's time. */
  readonly time: PaceLimits;
}

export interface TurnPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Milliseconds in which the thread had work since it started. */
  readonly busy: () => number;
}

/** Told what at most can have been used of the thread's time. */
export type EndTurn = (atMostMs?: number) => void;

interface Waiting {
  readonly patient: boolean;
  readonly begin: () => void;
  readonly refuse: (retryInMs: number) => void;
}

interface Line {
  underWay: number;
  patientUnderWay: number;
  /** Those that may be refused. */
  impatient: number;
  readonly waiting: Set<Waiting>;
  awaitsTime: boolean;
}

/**
 * Who may use this thread, and when: of each key so many are under way at a time, in order of coming, and while its
 * budget of time lasts. What the thread was busy with is charged in equal parts to all that were under way meanwhile, for
 * nothing tells whose part was which; so whoever has most of them under way pays for most of it. Nobody pays more than what they did
 * can have taken, as the thread also has other things to do.
 */
export class Turns {
  private readonly lines = new Map<string, Line>();
  private readonly time: Pace;
  private underWay = 0;
  private busyAt = 0;
  /** What one that was under way all along would have been charged. */
  private chargedToEach = 0;

  constructor(
    private readonly limits: TurnLimits,
    private readonly ports: TurnPorts,
  ) {
    this.time = new Pace(limits.time, ports.clock);
  }

  /** Resolves when it is the caller's turn, with the function that ends it. Throws RateLimited; never when `patient`. */
  async enter(key: string, { patient = false } = {}): Promise<EndTurn> {
    const line = this.lines.get(key) ?? newLine();
    const room = this.time.roomInMs(key);
    if (!patient && (line.impatient >= this.limits.waiting || room > this.limits.patienceMs)) throw tooFast(room);
    this.lines.set(key, line);
    if (line.waiting.size > 0 || !this.hasPlace(key, line, patient)) await this.wait(key, line, patient);
    else take(line, patient);
    return this.begin(key, line, patient);
  }

  private begin(key: string, line: Line, patient: boolean): EndTurn {
    this.settle();
    this.underWay += 1;
    const chargedBefore = this.chargedToEach;
    let ended = false;
    return (atMostMs = Number.POSITIVE_INFINITY) => {
      if (ended) return;
      ended = true;
      this.settle();
      this.underWay -= 1;
      this.time.spend(key, Math.min(this.chargedToEach - chargedBefore, atMostMs));
      line.underWay -= 1;
      if (patient) line.patientUnderWay -= 1;
      this.callNext(key, line);
    };
  }

  private async wait(key: string, line: Line, patient: boolean): Promise<void> {
    const turn = new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        patient,
        begin: () => {
          cancel();
          resolve();
        },
        refuse: (retryInMs) => reject(tooFast(retryInMs)),
      };
      const cancel = patient
        ? () => undefined
        : this.ports.timers.after(this.limits.patienceMs, () => {
            line.waiting.delete(waiting);
            waiting.refuse(this.time.roomInMs(key));
            this.forgetIdle(key, line);
          });
      line.waiting.add(waiting);
    });
    if (!patient) line.impatient += 1;
    this.callNext(key, line);
    try {
      await turn;
    } finally {
      if (!patient) line.impatient -= 1;
    }
  }

  private callNext(key: string, line: Line): void {
    for (const waiting of line.waiting) {
      if (!this.hasPlace(key, line, waiting.patient)) continue;
      line.waiting.delete(waiting);
      take(line, waiting.patient);
      waiting.begin();
    }
    if (line.waiting.size > 0 && this.time.roomInMs(key) > 0) this.awaitTime(key, line);
    this.forgetIdle(key, line);
  }

  private hasPlace(key: string, line: Line, patient: boolean): boolean {
    const { atOnce, patientAtOnce } = this.limits;
    const full = line.underWay >= atOnce || (patient && line.patientUnderWay >= patientAtOnce);
    return !full && this.time.roomInMs(key) === 0;
  }

  private awaitTime(key: string, line: Line): void {
    if (line.awaitsTime) return;
    line.awaitsTime = true;
    this.ports.timers.after(Math.max(1, this.time.roomInMs(key)), () => {
      line.awaitsTime = false;
      this.callNext(key, line);
    });
  }

  private forgetIdle(key: string, line: Line): void {
    if (line.underWay === 0 && line.waiting.size === 0 && this.lines.get(key) === line) this.lines.delete(key);
  }

  private settle(): void {
    const busy = this.ports.busy();
    if (this.underWay > 0) this.chargedToEach += (busy - this.busyAt) / this.underWay;
    this.busyAt = busy;
  }
}

function newLine(): Line {
  return { underWay: 0, patientUnderWay: 0, impatient: 0, waiting: new Set(), awaitsTime: false };
}

function take(line: Line, patient: boolean): void {
  line.underWay += 1;
  if (patient) line.patientUnderWay += 1;
}
