/** Rows of a time series into layers over common times, largest first, what is beyond the largest last. */

import type { Merged } from '../../api/merge';
import { mergeCurrencies } from '../../api/merge';
import { type TimeRow, valueOf } from '../../api/types';
import type { Layer } from '../../charts/stack';
import { type Decimal, sum, toNumber } from '../../format/decimal';
import type { Measure } from '../../format/measures';
import { withoutGaps } from '../../format/time';

const COLORS = 8;

export interface NamedLayer extends Layer {
  /** Stays the same between answers; tells a group apart from others. */
  readonly id: string;
  readonly total: Decimal | null;
}

export function layersOf(
  rows: readonly TimeRow[],
  dimension: string,
  measure: Measure,
  currency: string | null,
  grain: 'hour' | 'day' | 'month',
  hidden: ReadonlySet<string>,
  nameOf: (dimension: string, value: string) => string,
): { times: string[]; layers: NamedLayer[] } {
  const idOf = (row: object) => ((row as TimeRow).other ? 'other' : `=${valueOf(row, dimension) ?? ''}`);
  const merged = mergeCurrencies(rows, currency, (row) => `${row.time}|${idOf(row)}`);
  const times = withoutGaps([...new Set(merged.map((row) => row.time))].sort(), grain);
  const at = new Map(times.map((time, index) => [time, index]));
  const groups = new Map<string, Merged<TimeRow>[]>();
  for (const row of merged) groups.set(idOf(row), [...(groups.get(idOf(row)) ?? []), row]);

  const layers = [...groups].map(([id, group]) => {
    const values: (Decimal | null)[] = times.map(() => null);
    for (const row of group) values[at.get(row.time) ?? 0] = row[measure.key] ?? null;
    return { id, name: id === 'other' ? 'All others' : nameOf(dimension, id.slice(1)), values, total: sum(values), hidden: hidden.has(id) };
  });
  layers.sort((a, b) => Number(a.id === 'other') - Number(b.id === 'other') || (toNumber(b.total) ?? 0) - (toNumber(a.total) ?? 0));
  // A group without any figure of this measure has nothing to draw.
  const drawn = layers.filter((layer) => layer.total !== null && toNumber(layer.total) !== 0);
  return { times, layers: drawn.map((layer, index) => ({ ...layer, color: layer.id === 'other' || index >= COLORS ? null : index })) };
}
