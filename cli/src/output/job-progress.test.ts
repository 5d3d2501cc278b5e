import { Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import type { LiveJob } from '../api/live-job.js';
import { createJobProgress } from './job-progress.js';

class Screen extends Writable {
  text = '';

  constructor(readonly isTTY: boolean) {
    super();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

const job = (overrides: Partial<LiveJob>): LiveJob =>
  ({
    kind: 'BACKUP',
    state: 'QUEUED',
    attempt: 1,
    waitingFor: null,
    previousAttemptError: null,
    progress: { phase: 'PREPARING', entries: '0', bytesRead: '0', bytesSent: '0', bytesStored: '0', rate: '0' },
    ...overrides,
  }) as LiveJob;
const AGAIN = { attempt: 2, previousAttemptError: { message: 'The store is full.' } };
const HISTORY = [
  job({ state: 'RUNNING' }),
  job({ ...AGAIN, waitingFor: 'Attempt 2 starts in 5 s.' }),
  job({ ...AGAIN, waitingFor: 'Attempt 2 starts in 4 s.' }),
  job({ ...AGAIN, state: 'RUNNING' }),
];

function shown(isTTY: boolean): string {
  const screen = new Screen(isTTY);
  const view = createJobProgress(false, screen);
  for (const each of HISTORY) view.update(each);
  view.end();
  return screen.text;
}

describe('the progress of a job that is tried again', () => {
  const amounts = '(0 entries, read 0 B, sent 0 B, stored 0 B)';

  it('says in lines, and once, why the attempt before came to nothing', () => {
    expect(shown(false).split('\n')).toEqual([
      `running, preparing ${amounts}`,
      'Attempt 1 failed: The store is full.',
      `waiting: Attempt 2 starts in 5 s. ${amounts}`,
      `running, preparing ${amounts}`,
      '',
    ]);
  });

  it('says it on a line of its own above the bar of a terminal', () => {
    expect(
      shown(true)
        .split('\n')
        .slice(0, -1)
        .map((line) => line.slice(line.lastIndexOf('\u001b[K') + 3)),
    ).toEqual(['Attempt 1 failed: The store is full.']);
  });
});

describe('a long job', () => {
  it('says where it is every ten seconds where there is no terminal, and every five minutes what it waits for', () => {
    const now = vi.spyOn(performance, 'now');
    const screen = new Screen(false);
    const view = createJobProgress(false, screen);
    for (const [at, each] of [
      [0, job({ waitingFor: 'A turn.' })],
      [20_000, job({ waitingFor: 'A turn.' })],
      [21_000, job({ state: 'RUNNING' })],
      [30_999, job({ state: 'RUNNING' })],
      [31_000, job({ state: 'RUNNING' })],
      [32_000, job({ state: 'RUNNING', waitingFor: 'The store is not there.' })],
      [331_999, job({ state: 'RUNNING', waitingFor: 'The store is not there.' })],
      [332_000, job({ state: 'RUNNING', waitingFor: 'The store is not there.' })],
      [333_000, job({ state: 'RUNNING', waitingFor: 'The store is full.' })],
    ] as const) {
      now.mockReturnValue(at);
      view.update(each);
    }
    now.mockRestore();
    expect(screen.text.match(/^(waiting: [^(]+|running)/gm)?.map((words) => words.trim())).toEqual([
      'waiting: A turn.',
      'running',
      'running',
      'waiting: The store is not there.',
      'waiting: The store is not there.',
      'waiting: The store is full.',
    ]);
  });

  it.each([
    ['BACKUP', 'sent 0 B, stored 0 B, reading 20.0 MiB/s)'],
    ['RESTORE', '5 B written, writing 20.0 MiB/s)'],
  ] as const)('says what its rate is of (%s)', (kind, words) => {
    const screen = new Screen(false);
    const base = job({ kind, state: 'RUNNING' });
    const progress = { ...base.progress, bytesWritten: '5', rate: String(20 << 20) };
    createJobProgress(false, screen).update({ ...base, progress });
    expect(screen.text).toContain(words);
  });

  it('shows no share while nobody knows how much there is', () => {
    const screen = new Screen(true);
    const view = createJobProgress(false, screen);
    view.update(job({ state: 'RUNNING' }));
    view.end();
    expect(screen.text).toContain('running, preparing');
    expect(screen.text).not.toContain('%');
  });
});

describe('the bar of a job', () => {
  it.each([
    [
      '50%',
      [
        [1, 0.5],
        [1, 0.3],
        [1, null],
      ],
    ],
    [
      '10%',
      [
        [1, 0.5],
        [2, 0.1],
        [1, 0.6],
      ],
    ],
  ] as const)('goes back with a new attempt alone, not for an answer that was overtaken (%s)', (shownLast, reports) => {
    const screen = new Screen(true);
    const view = createJobProgress(false, screen);
    for (const [attempt, fraction] of reports) {
      const base = job({ state: 'RUNNING', attempt });
      view.update({ ...base, progress: { ...base.progress, fraction } });
    }
    view.end();
    expect(screen.text.match(/\d+%/g)?.at(-1)).toBe(shownLast);
  });
});
