/**
 * The same workload elsewhere: the energy of one region's hours at the intensity that other regions had in the same hours.
 *
 * Hour by hour, not mean by mean, so that a load at night meets the other grid's nights. An hour that the other region
 * has no figure of is left out on both sides, and how much energy was matched is stated. It says what would have been,
 * on average, with the same energy; it does not know other hardware, PUE, latency or law, and forecasts nothing.
 */

import type { IntensityRow } from '../../api/types';
import { toNumber } from '../../format/decimal';
import { millis } from '../../format/time';

export interface Elsewhere {
  readonly region: string;
  readonly zone: string | null;
  /** What the matched energy emitted here, and would have emitted there, g. */
  readonly here: number;
  readonly there: number;
  /** Share of the home region's energy in hours that the other region has a figure of. */
  readonly matched: number;
}

interface Hours {
  readonly zone: string | null;
  readonly hours: ReadonlyMap<number, { kwh: number; grams: number; intensity: number | null }>;
}

export function byRegion(rows: readonly IntensityRow[]): Map<string, Hours> {
  const regions = new Map<string, { zone: string | null; hours: Map<number, { kwh: number; grams: number; intensity: number | null }> }>();
  for (const row of rows) {
    const region = regions.get(row.region) ?? { zone: row.grid_zone, hours: new Map() };
    const [kwh, grams] = [toNumber(row.energy_kwh) ?? 0, toNumber(row.co2e_location_g) ?? 0];
    region.hours.set(millis(row.time), { kwh, grams, intensity: toNumber(row.grid_intensity_g_per_kwh) ?? (kwh > 0 ? grams / kwh : null) });
    regions.set(row.region, region);
  }
  return regions;
}

/** Cleanest first; the home region itself is among them. Empty when the home region has no energy. */
export function elsewhere(regions: ReadonlyMap<string, Hours>, home: string): Elsewhere[] {
  const own = regions.get(home);
  const energy = own ? [...own.hours.values()].reduce((sum, hour) => sum + hour.kwh, 0) : 0;
  if (!own || energy === 0) return [];
  return [...regions]
    .map(([region, other]) => {
      let [here, there, matched] = [0, 0, 0];
      for (const [ms, hour] of own.hours) {
        const intensity = other.hours.get(ms)?.intensity ?? null;
        if (intensity === null) continue;
        here += hour.grams;
        there += hour.kwh * intensity;
        matched += hour.kwh;
      }
      // At home the figure is the ledger's own, not energy times a rounded intensity.
      return { region, zone: other.zone, here, there: region === home ? here : there, matched: matched / energy };
    })
    .filter((row) => row.matched > 0)
    .sort((a, b) => a.there / a.matched - b.there / b.matched);
}
