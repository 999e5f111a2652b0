import { describe, expect, it } from 'vitest';
import type { IntensityRow } from '../../api/types';
import { daysOf, figure, hoursOf, timing, weekOf } from './hours';

const row = (time: string, kwh: string, grams: string, region = 'a'): IntensityRow => ({ region, time, grid_intensity_g_per_kwh: null, energy_kwh: kwh, co2e_location_g: grams });
const utc = () => 0;

describe('hours', () => {
  it('divide sums, not average ratios', () => {
    // 5 and 12 October 2026 are Mondays: 1 kWh at 100 and 3 kWh at 300 g/kWh give 250, not 200.
    const week = weekOf(hoursOf([row('2026-10-05T10:00:00Z', '1', '100'), row('2026-10-12T10:00:00Z', '3', '900')], utc));
    expect(week).toHaveLength(1);
    expect(week[0]).toMatchObject({ x: 10, y: 0, hours: 2 });
    expect(figure(week[0]!, 'intensity')).toBe(250);
    expect(figure(week[0]!, 'load')).toBe(2);
  });
  it('add regions within an hour', () => {
    const hours = hoursOf([row('2026-10-05T10:00:00Z', '1', '100', 'a'), row('2026-10-05T10:00:00Z', '1', '300', 'b')], utc);
    expect(hours).toEqual([{ ms: Date.UTC(2026, 9, 5, 10), kwh: 2, grams: 400 }]);
  });
  it('move to another zone over midnight and the week', () => {
    const { days, cells } = daysOf(hoursOf([row('2026-10-04T23:00:00Z', '1', '1')], () => 2));
    expect(days).toEqual(['2026-10-05']);
    expect(cells[0]).toMatchObject({ x: 1, y: 0 });
    expect(weekOf(hoursOf([row('2026-10-04T23:00:00Z', '1', '1')], () => 2))[0]?.y).toBe(0);
  });
  it('say whether load sits in clean hours', () => {
    const rows = [row('2026-10-05T00:00:00Z', '6', '600'), row('2026-10-05T01:00:00Z', '2', '400'), row('2026-10-05T02:00:00Z', '2', '600')];
    const found = timing(hoursOf(rows, utc));
    expect(found).toMatchObject({ used: 160, even: 200, cleanest: 0.6, dirtiest: 0.2, flat: false });
    expect(timing(hoursOf(rows.map((r) => ({ ...r, co2e_location_g: String(Number(r.energy_kwh) * 5) })), utc))?.flat).toBe(true);
    expect(timing([])).toBeNull();
  });
});
