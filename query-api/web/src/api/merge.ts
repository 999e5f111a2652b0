/**
 * Rows of several currencies into one row per thing.
 *
 * The API gives a row per currency, since costs of two are never added. Carbon, energy and water of such rows do belong
 * together; of the costs, those in the chosen currency are kept.
 */

import { type Decimal, sum } from '../format/decimal';
import type { Measures } from './types';

const COUNTS = ['lines', 'lines_estimated'] as const;
const PHYSICAL = [
  'energy_kwh',
  'energy_kwh_low',
  'energy_kwh_high',
  'co2e_location_g',
  'co2e_location_g_low',
  'co2e_location_g_high',
  'co2e_market_g',
  'co2e_embodied_g',
  'co2e_embodied_g_low',
  'co2e_embodied_g_high',
  'co2e_upstream_g',
  'co2e_t_and_d_g',
  'water_l',
  'water_cooling_l',
] as const;
const COSTS = ['billed_cost', 'effective_cost', 'billed_cost_estimated', 'billed_cost_unmapped'] as const;

export type Merged<R> = Omit<R, (typeof COSTS)[number]> & Partial<Record<(typeof COSTS)[number], Decimal | null>>;

type Costed = Partial<Measures> & { readonly currency?: unknown };

/** Merges rows with equal `key`, in order of first appearance. */
export function mergeCurrencies<R extends Costed>(
  rows: readonly R[],
  currency: string | null,
  key: (row: R) => string,
): Merged<R>[] {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const id = key(row);
    const group = groups.get(id);
    if (group) group.push(row);
    else groups.set(id, [row]);
  }
  return [...groups.values()].map((group) => mergeGroup(group, currency));
}

function mergeGroup<R extends Costed>(group: readonly R[], currency: string | null): Merged<R> {
  const [first] = group as readonly [R, ...R[]];
  const inCurrency = group.filter((row) => currency === null || row.currency === undefined || row.currency === currency);
  const merged: Record<string, unknown> = { ...(first as object) };
  const asked = <K extends keyof Measures>(names: readonly K[]) => names.filter((name) => first[name] !== undefined);
  for (const name of asked(COUNTS)) merged[name] = group.reduce((count, row) => count + (row[name] ?? 0), 0);
  for (const name of asked(PHYSICAL)) merged[name] = group.length === 1 ? first[name] : sum(group.map((row) => row[name]));
  for (const name of asked(COSTS)) merged[name] = sum(inCurrency.map((row) => row[name]));
  return merged as Merged<R>;
}
