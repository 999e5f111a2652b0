/** Sums of coverage rows: which part of the bill has an estimate, and of what quality. */

import type { CoverageRow, FactorRow } from '../../api/types';
import type { Part } from '../../components/ShareBar.svelte';
import { type Decimal, sum, toNumber } from '../../format/decimal';
import { QUALITIES } from '../../format/names';

const QUALITY_COLORS: Record<string, string> = {
  measured: 'var(--c3)',
  modelled: 'var(--c1)',
  proxy: 'var(--c5)',
  spend: 'var(--c2)',
};

const inCurrency = (rows: readonly CoverageRow[], currency: string | null) =>
  rows.filter((row) => currency === null || row.currency === null || row.currency === currency);

/** Estimated cost by how the estimates were made, best first. */
export function qualityParts(rows: readonly CoverageRow[], currency: string | null): Part[] {
  const estimated = inCurrency(rows, currency).filter((row) => row.status === 'estimated');
  return Object.keys(QUALITIES).map((quality) => {
    const cost = toNumber(sum(estimated.filter((row) => row.quality === quality).map((row) => row.billed_cost))) ?? 0;
    return { label: quality[0]?.toUpperCase() + quality.slice(1), value: cost, color: QUALITY_COLORS[quality] ?? 'var(--c-other)' };
  });
}

export interface Gap {
  readonly key: string;
  readonly service: string | null;
  readonly family: string | null;
  readonly reason: string | null;
  readonly lines: number;
  readonly billed: Decimal | null;
  readonly cost: number;
}

function grouped(rows: readonly CoverageRow[], currency: string | null, keyOf: (row: CoverageRow) => string): Gap[] {
  const groups = new Map<string, CoverageRow[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return [...groups].map(([key, group]) => {
    const first = group[0];
    const billed = sum(inCurrency(group, currency).map((row) => row.billed_cost));
    return {
      key,
      service: first?.service_code ?? null,
      family: first?.usage_family ?? null,
      reason: first?.reason ?? null,
      lines: group.reduce((count, row) => count + row.lines, 0),
      billed,
      cost: toNumber(billed) ?? 0,
    };
  });
}

/** Usage without an estimate, dearest first. */
export function worstUnmapped(rows: readonly CoverageRow[], currency: string | null): Gap[] {
  const unmapped = rows.filter((row) => row.status === 'unmapped');
  const key = (row: CoverageRow) => [row.service_code, row.usage_family, row.reason].join('|');
  return grouped(unmapped, currency, key).sort((a, b) => b.cost - a.cost || b.lines - a.lines);
}

export interface StatusRow extends Gap {
  readonly status: CoverageRow['status'] | 'rejected';
}

/** Lines that could not be read, in runs that are current. They have no cost that could be counted. */
export function rejectedLines(runs: readonly FactorRow[], current: ReadonlySet<string>): number {
  return runs.filter((run) => current.has(run.run_id)).reduce((count, run) => count + run.rows_rejected, 0);
}

const ORDER: readonly CoverageRow['status'][] = ['estimated', 'unmapped', 'excluded'];

/** Every status with its reasons, so that the whole bill is accounted for. */
export function byStatus(rows: readonly CoverageRow[], currency: string | null, rejected: number | null): StatusRow[] {
  const read: StatusRow[] = ORDER.flatMap((status) => {
    const own = rows.filter((row) => row.status === status);
    const key = (row: CoverageRow) => `${status}|${row.reason ?? ''}`;
    return grouped(own, currency, key)
      .map((group) => ({ ...group, status }))
      .sort((a, b) => Math.abs(b.cost) - Math.abs(a.cost));
  });
  if (!rejected) return read;
  return [...read, { key: 'rejected', service: null, family: null, reason: null, lines: rejected, billed: null, cost: 0, status: 'rejected' }];
}
