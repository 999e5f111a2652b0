import { describe, expect, it } from 'vitest';
import { addDays, before, instantText, isDay, millis, monthOf, spanText, withoutGaps } from './time';

describe('days', () => {
  it('crosses months and leap days', () => {
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
    expect(addDays('2026-11-01', -1)).toBe('2026-10-31');
    expect(monthOf('2026-12-15')).toEqual({ from: '2026-12-01', to: '2027-01-01' });
    expect(before('2026-10-01', '2026-11-01')).toEqual({ from: '2026-08-31', to: '2026-10-01' });
  });
  it('knows a day', () => {
    expect(isDay('2026-02-29')).toBe(false);
    expect(isDay('2026-2-9')).toBe(false);
    expect(isDay('2026-10-31')).toBe(true);
  });
  it('reads every form of time as UTC', () => {
    const midnight = Date.UTC(2026, 9, 1);
    for (const form of ['2026-10', '2026-10-01', '2026-10-01T00:00:00', '2026-10-01 00:00:00', '2026-10-01T00:00:00Z']) {
      expect(millis(form)).toBe(midnight);
    }
  });
  it('leaves no gap between the times of a chart', () => {
    expect(withoutGaps(['2026-10-31T22:00:00Z', '2026-11-01T01:00:00Z'], 'hour')).toEqual([
      '2026-10-31T22:00:00Z', '2026-10-31T23:00:00Z', '2026-11-01T00:00:00Z', '2026-11-01T01:00:00Z',
    ]);
    expect(withoutGaps(['2026-02-27', '2026-03-01'], 'day')).toEqual(['2026-02-27', '2026-02-28T00:00:00Z', '2026-03-01']);
    expect(withoutGaps(['2025-12', '2026-02'], 'month')).toEqual(['2025-12', '2026-01-01T00:00:00Z', '2026-02']);
    expect(withoutGaps([], 'day')).toEqual([]);
  });
  it('names spans', () => {
    expect(spanText('2026-10-01', '2026-11-01')).toBe('Oct 2026');
    expect(spanText('2026-10-05', '2026-10-06')).toBe('5 Oct 2026');
    expect(spanText('2026-10-01', '2026-10-15')).toBe('1 – 14 Oct 2026');
    expect(spanText('2026-09-29', '2026-10-15')).toBe('29 Sep – 14 Oct 2026');
    expect(spanText('2025-12-29', '2026-01-02')).toBe('29 Dec 2025 – 1 Jan 2026');
    expect(instantText('2026-10-05T14:00:00Z')).toBe('5 Oct 2026, 14:00');
  });
});
