import { describe, expect, it } from 'vitest';
import type { IntensityRow } from '../../api/types';
import { byRegion, elsewhere, isYearly } from './elsewhere';

const row = (region: string, hour: number, kwh: number, intensity: number): IntensityRow => ({
  region,
  time: `2026-10-01T${String(hour).padStart(2, '0')}:00:00Z`,
  grid_intensity_g_per_kwh: intensity,
  energy_kwh: String(kwh),
  co2e_location_g: String(kwh * intensity),
});

describe('the same workload elsewhere', () => {
  it('meets the other grid hour by hour', () => {
    // 9 kWh at night and 1 by day: the other grid is dirty at night. Mean by mean it would be 250 x 10 = 2500 g.
    const rows = [row('home', 0, 9, 200), row('home', 12, 1, 200), row('away', 0, 1, 400), row('away', 12, 1, 100)];
    const found = elsewhere(byRegion(rows), 'home');
    expect(found.map((item) => [item.region, item.there])).toEqual([['home', 2000], ['away', 3700]]);
  });
  it('compares only hours that both have, and says how much that is', () => {
    const rows = [row('home', 0, 19, 200), row('home', 1, 1, 1000), row('away', 0, 1, 50)];
    const away = elsewhere(byRegion(rows), 'home').find((item) => item.region === 'away');
    expect(away).toMatchObject({ here: 3800, there: 950, matched: 0.95 });
  });
  it('leaves out a region with few of the hours', () => {
    const rows = [row('home', 0, 3, 200), row('home', 1, 1, 1000), row('away', 0, 1, 50)];
    expect(elsewhere(byRegion(rows), 'home').map((item) => item.region)).toEqual(['home']);
  });
  it('tells factors of the year from those of the hour', () => {
    const regions = byRegion([row('home', 0, 1, 200), row('home', 1, 1, 200.000001), row('away', 0, 1, 200), row('away', 1, 1, 210)]);
    expect(isYearly(regions.get('home'))).toBe(true);
    expect(isYearly(regions.get('away'))).toBe(false);
  });
  it('has nothing to say without energy at home', () => {
    expect(elsewhere(byRegion([row('away', 0, 1, 50)]), 'home')).toEqual([]);
  });
});
