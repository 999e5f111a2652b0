import { describe, expect, it } from 'vitest';
import { parse } from '../state/view';
import { mergeCurrencies } from './merge';
import { fileName, path, sqlForClipboard } from './request';
import { type Row, valueOf } from './types';

const span = { from: '2026-10-01', to: '2026-11-01' };

describe('requests', () => {
  it('spell filters as the API does', () => {
    const view = parse('/explore', 'account_id=1&account_id=2&tag.cost+center=a%26b&as_of=run-1');
    expect(path('emissions', view, span, { group_by: 'region', cursor: null, limit: 50 })).toBe(
      '/v1/emissions?from=2026-10-01&to=2026-11-01&account_id=1&account_id=2&tag.cost+center=a%26b&group_by=region&limit=50&as_of=run-1',
    );
  });
  it('name files plainly', () => {
    expect(fileName('Emissions by tag.team', span, 'csv')).toBe('airshed-emissions-by-tag-team-2026-10-01-2026-11-01.csv');
  });
});

describe('SQL for the clipboard', () => {
  it('says where it is from and ends once', () => {
    expect(sqlForClipboard('SELECT 1;\n', '/explore?region=eu-west-1', null)).toBe(
      '-- Airshed /explore?region=eu-west-1\nSELECT 1;\n',
    );
    expect(sqlForClipboard('SELECT 1', '/', 'run-1')).toContain('-- as of run-1');
  });
  it('cannot be broken out of by the address or the run', () => {
    const copied = sqlForClipboard('SELECT 1', '/x\nDROP TABLE t', 'run\r\nSELECT 2');
    expect(copied.split('\n').filter((line) => line && !line.startsWith('--'))).toEqual(['SELECT 1;']);
  });
});

describe('rows of several currencies', () => {
  const row = (currency: string, cost: string, grams: string | null): Row =>
    ({ account_id: '1', currency, lines: 2, lines_estimated: 1, billed_cost: cost, co2e_location_g: grams }) as unknown as Row;

  it('add carbon and never money', () => {
    const [merged] = mergeCurrencies([row('USD', '10.5', '1.1'), row('EUR', '7', '2.2')], 'USD', (r) => valueOf(r, 'account_id') ?? '');
    expect(merged?.co2e_location_g).toBe('3.3');
    expect(merged?.billed_cost).toBe('10.5');
    expect(merged?.lines).toBe(4);
  });
  it('have no cost in a currency that is not there', () => {
    const [merged] = mergeCurrencies([row('EUR', '7', null)], 'USD', (r) => valueOf(r, 'account_id') ?? '');
    expect(merged?.billed_cost).toBeNull();
    expect(merged?.co2e_location_g).toBeNull();
  });
});
