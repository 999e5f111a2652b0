/** The measures that pages show, with names, kinds of unit, and where their bounds stand. */

import type { Measures } from '../api/types';
import type { Kind } from './units';

export type Basis = 'location' | 'market';

export type MeasureKey =
  | 'co2e_location_g'
  | 'co2e_market_g'
  | 'co2e_embodied_g'
  | 'co2e_upstream_g'
  | 'co2e_t_and_d_g'
  | 'energy_kwh'
  | 'water_l'
  | 'billed_cost'
  | 'effective_cost';

export interface Measure {
  readonly key: MeasureKey;
  readonly title: string;
  readonly short: string;
  readonly kind: Kind;
  readonly unit: string;
  readonly bounded: boolean;
}

const LIST: readonly Measure[] = [
  m('co2e_location_g', 'Operational emissions, location-based', 'CO₂e, location', 'mass', 'g', true),
  m('co2e_market_g', 'Operational emissions, market-based', 'CO₂e, market', 'mass', 'g', false),
  m('co2e_embodied_g', 'Embodied emissions of the hardware', 'Embodied', 'mass', 'g', true),
  m('co2e_upstream_g', 'Fuel supply behind the electricity', 'Fuel supply', 'mass', 'g', false),
  m('co2e_t_and_d_g', 'Transmission and distribution losses', 'Grid losses', 'mass', 'g', false),
  m('energy_kwh', 'Electricity at the meter, PUE included', 'Energy', 'energy', 'kWh', true),
  m('water_l', 'Water consumed', 'Water', 'water', 'L', false),
  m('billed_cost', 'Billed cost', 'Cost', 'money', '', false),
  m('effective_cost', 'Effective cost, commitments spread', 'Effective cost', 'money', '', false),
];

function m(key: MeasureKey, title: string, short: string, kind: Kind, unit: string, bounded: boolean): Measure {
  return { key, title, short, kind, unit, bounded };
}

export const MEASURES: ReadonlyMap<MeasureKey, Measure> = new Map(LIST.map((measure) => [measure.key, measure]));

export function measureOf(key: MeasureKey): Measure {
  const measure = MEASURES.get(key);
  if (!measure) throw new RangeError(`no measure ${key}`);
  return measure;
}

/** The operational figure of an accounting basis. */
export function co2eOf(basis: Basis): Measure {
  return measureOf(basis === 'location' ? 'co2e_location_g' : 'co2e_market_g');
}

/** What is read to show a measure: with its bounds, where it has them. */
export function readFor({ key, bounded }: Measure): (keyof Measures)[] {
  return bounded ? [key, `${key}_low` as keyof Measures, `${key}_high` as keyof Measures] : [key];
}

export function isMeasure(key: string): key is MeasureKey {
  return MEASURES.has(key as MeasureKey);
}
