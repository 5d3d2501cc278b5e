import { describe, expect, it } from 'vitest';
import { describeSchedule } from './words';

describe('a schedule in words', () => {
  const timeZone = 'Europe/Berlin';

  it('says how often, when, and by whose clock', () => {
    expect(describeSchedule({ frequency: 'HOURLY', everyHours: 1, at: '00:15', timeZone })).toBe(
      'Every hour at minute 15 (Europe/Berlin)',
    );
    expect(describeSchedule({ frequency: 'HOURLY', everyHours: 6, at: '00:00', timeZone })).toBe(
      'Every 6 hours at minute 00 (Europe/Berlin)',
    );
    expect(describeSchedule({ frequency: 'DAILY', at: '02:00', timeZone })).toBe('Every day at 02:00 (Europe/Berlin)');
    expect(describeSchedule({ frequency: 'WEEKLY', weekdays: ['MONDAY', 'FRIDAY'], at: '22:30', timeZone })).toBe(
      'Monday, Friday at 22:30 (Europe/Berlin)',
    );
  });
});
