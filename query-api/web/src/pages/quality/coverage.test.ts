import { describe, expect, it } from 'vitest';
import type { CoverageRow, FactorRow } from '../../api/types';
import { byStatus, rejectedLines } from './coverage';

const run = (run_id: string, rows_rejected: number) => ({ run_id, rows_rejected }) as FactorRow;
const row = (status: CoverageRow['status'], reason: string | null, billed_cost: string) =>
  ({ status, reason, billed_cost, currency: 'USD', lines: 1 }) as CoverageRow;

describe('every line accounted for', () => {
  it('counts the rejects of current runs alone', () => {
    expect(rejectedLines([run('now', 2), run('earlier', 7), run('other month', 1)], new Set(['now', 'other month']))).toBe(3);
  });
  it('puts rejects last, without a cost', () => {
    const rows = byStatus([row('excluded', 'tax', '3'), row('estimated', null, '5')], 'USD', 2);
    expect(rows.map(({ status, lines, billed }) => [status, lines, billed])).toEqual([['estimated', 1, '5'], ['excluded', 1, '3'], ['rejected', 2, null]]);
    expect(byStatus([], 'USD', 0)).toEqual([]);
    expect(byStatus([], 'USD', null)).toEqual([]);
  });
});
