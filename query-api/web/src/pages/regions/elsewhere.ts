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
  /** What the matched energy emitted here, and would have emitted there, g. */
  readonly here: number;
  readonly there: number;
  /** Share of the home region's energy in hours that the other region has a figure of. */
  readonly matched: number;
}

interface Hour {
  readonly kwh: number;
  readonly grams: number;
  readonly intensity: number | null;
}
type Hours = ReadonlyMap<number, Hour>;

/** Less of the energy than this has nothing to say of the workload: a region with a single hour of usage. */
const LEAST_MATCHED = 0.9;

export function byRegion(rows: readonly IntensityRow[]): Map<string, Hours> {
  const regions = new Map<string, Map<number, Hour>>();
  for (const row of rows) {
    if (row.region === null) continue;
    const hours = regions.get(row.region) ?? new Map<number, Hour>();
    const [kwh, grams] = [toNumber(row.energy_kwh) ?? 0, toNumber(row.co2e_location_g) ?? 0];
    hours.set(millis(row.time), { kwh, grams, intensity: row.grid_intensity_g_per_kwh });
    regions.set(row.region, hours);
  }
  return regions;
}

/** One intensity in all hours, but for rounding: the factor is of the year. */
export function isYearly(hours: Hours | undefined): boolean {
  const known = [...(hours?.values() ?? [])].flatMap(({ intensity }) => (intensity === null ? [] : [intensity]));
  return Math.max(...known) - Math.min(...known) < Math.max(...known) * 1e-4;
}

/** Cleanest first; the home region itself is among them, regions with too few of its hours are not. Empty without energy at home. */
export function elsewhere(regions: ReadonlyMap<string, Hours>, home: string): Elsewhere[] {
  const own = regions.get(home);
  const energy = own ? [...own.values()].reduce((sum, hour) => sum + hour.kwh, 0) : 0;
  if (!own || energy === 0) return [];
  return [...regions]
    .map(([region, other]) => {
      let [here, there, matched] = [0, 0, 0];
      for (const [ms, hour] of own) {
        const intensity = other.get(ms)?.intensity ?? null;
        if (intensity === null) continue;
        here += hour.grams;
        there += hour.kwh * intensity;
        matched += hour.kwh;
      }
      // At home the figure is the ledger's own, not energy times a rounded intensity.
      return { region, here, there: region === home ? here : there, matched: matched / energy };
    })
    .filter((row) => row.matched >= LEAST_MATCHED)
    .sort((a, b) => a.there / a.matched - b.there / b.matched);
}
