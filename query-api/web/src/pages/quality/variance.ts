/** Ours beside the provider's own figures, added up by one dimension. */

import type { VarianceRow } from '../../api/types';
import { type Decimal, sum, toNumber } from '../../format/decimal';
import type { Basis } from '../../format/measures';
import type { Filter } from '../../state/view';

export type VarianceBy = 'period' | 'service_code' | 'account_id' | 'region';

export interface Compared {
  readonly name: string;
  readonly ours: Decimal | null;
  readonly theirs: Decimal | null;
  /** Ours / theirs - 1; null where there is nothing to divide by. */
  readonly difference: number | null;
}

/** Only rows in which both have a figure: a sum of one side with more rows would compare nothing. */
export function comparable(rows: readonly VarianceRow[], basis: Basis): VarianceRow[] {
  return rows.filter((row) => row[`ours_${basis}_g`] !== null && row[`provider_${basis}_g`] !== null);
}

export function filtered(rows: readonly VarianceRow[], filters: readonly Filter[]): VarianceRow[] {
  const dimensions = [...new Set(filters.map((filter) => filter.dimension))].filter((name) => name === 'account_id' || name === 'region' || name === 'service_code');
  return rows.filter((row) => dimensions.every((name) => filters.some((filter) => filter.dimension === name && filter.value === (row[name] ?? ''))));
}

export function compare(rows: readonly VarianceRow[], by: VarianceBy, basis: Basis): Compared[] {
  const groups = new Map<string, VarianceRow[]>();
  for (const row of rows) groups.set(row[by] ?? '', [...(groups.get(row[by] ?? '') ?? []), row]);
  const compared = [...groups].map(([name, group]) => one(name, group, basis));
  return compared.sort((a, b) => (toNumber(b.ours) ?? 0) - (toNumber(a.ours) ?? 0));
}

export function one(name: string, rows: readonly VarianceRow[], basis: Basis): Compared {
  const ours = sum(rows.map((row) => row[`ours_${basis}_g`]));
  const theirs = sum(rows.map((row) => row[`provider_${basis}_g`]));
  const [a, b] = [toNumber(ours), toNumber(theirs)];
  return { name, ours, theirs, difference: a !== null && b !== null && b !== 0 ? a / b - 1 : null };
}
