/** Answers of `/v1`: what the dashboard reads of them. `types.test.ts` holds them against docs/openapi.json. */

import type { Decimal } from '../format/decimal';

export interface ProblemBody {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
}

export interface User {
  readonly name: string;
  readonly role: 'viewer' | 'analyst' | 'compliance' | 'admin';
  readonly scope: readonly string[] | null;
}

export interface Meta {
  readonly version: string;
  readonly user: User;
  readonly periods: readonly { readonly period: string; readonly run_id: string; readonly published_at: string }[];
  /** First and last day with lines; null on an empty ledger. */
  readonly first_day: string | null;
  readonly last_day: string | null;
  readonly dimensions: readonly string[];
  readonly tags: readonly string[];
  readonly measures: readonly { readonly name: string; readonly unit: string; readonly title: string | null }[];
  readonly currencies: readonly string[];
  /** Names of accounts by their id, of those that have been collected. */
  readonly account_names: Readonly<Record<string, string>>;
  readonly as_of: string | null;
  readonly revision: string;
}

export interface Measures {
  readonly lines: number;
  readonly lines_estimated: number;
  readonly billed_cost: Decimal;
  readonly effective_cost: Decimal;
  readonly billed_cost_estimated: Decimal;
  readonly billed_cost_unmapped: Decimal;
  readonly energy_kwh: Decimal | null;
  readonly energy_kwh_low: Decimal | null;
  readonly energy_kwh_high: Decimal | null;
  readonly co2e_location_g: Decimal | null;
  readonly co2e_location_g_low: Decimal | null;
  readonly co2e_location_g_high: Decimal | null;
  readonly co2e_market_g: Decimal | null;
  readonly co2e_embodied_g: Decimal | null;
  readonly co2e_embodied_g_low: Decimal | null;
  readonly co2e_embodied_g_high: Decimal | null;
  readonly co2e_upstream_g: Decimal | null;
  readonly co2e_t_and_d_g: Decimal | null;
  readonly water_l: Decimal | null;
  readonly water_cooling_l: Decimal | null;
}

/** A row of sums. Its dimensions and measures are those that were asked for: [`valueOf`] reads the dimensions. */
export interface Row extends Partial<Measures> {
  readonly currency: string | null;
}
export interface TimeRow extends Row {
  readonly time: string;
  /** What the groups beyond the largest add up to. */
  readonly other?: boolean;
}
/** With the sums of the span before; null where one of the two spans has nothing of the group. */
export type BreakdownRow = Row & { readonly [K in keyof Measures as `previous_${K}`]?: Measures[K] | null };

/** Value of a dimension in a row; null is a value of its own (a global service has no region). */
export function valueOf(row: object, dimension: string): string | null {
  const value: unknown = (row as Record<string, unknown>)[dimension];
  return value == null ? null : String(value);
}

export interface Answer<R> {
  readonly rows: readonly R[];
  readonly sql: string;
}
export interface Page<R> extends Answer<R> {
  readonly next_cursor: string | null;
}

export interface Line {
  readonly line_id: string;
  readonly period: string;
  readonly usage_start: string;
  readonly usage_end: string;
  readonly usage_type: string | null;
  readonly operation: string | null;
  readonly usage_amount: Decimal | null;
  readonly usage_unit: string | null;
  readonly billed_cost: Decimal;
  readonly effective_cost: Decimal;
  readonly currency: string;
  readonly status: string;
  readonly reason: string | null;
  readonly quality: string | null;
  readonly energy_kwh: Decimal | null;
  readonly co2e_location_g: Decimal | null;
  readonly co2e_location_g_low: Decimal | null;
  readonly co2e_location_g_high: Decimal | null;
  readonly co2e_market_g: Decimal | null;
  readonly grid_intensity_g_per_kwh: number | null;
  readonly grid_basis: string | null;
  readonly utilization: number | null;
  readonly utilization_source: string | null;
}

export interface NamedNumber {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}
/** One line of `airshed explain -o json`. */
export interface Lineage {
  readonly line_id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly usage_family: string;
  readonly period: string;
  readonly run_id: string;
  readonly method: string;
  readonly factor_set: string;
  readonly code_version: string;
  readonly sources: readonly { readonly object_uri: string; readonly row_group: string; readonly row_number: string }[];
  readonly billed: Readonly<Record<string, string>>;
  readonly steps: readonly {
    readonly title: string;
    readonly formula: string;
    readonly inputs: readonly NamedNumber[];
    readonly result: NamedNumber | null;
    readonly factors: readonly string[];
    readonly note: string | null;
  }[];
  readonly figures: readonly {
    readonly column: string;
    readonly value: Decimal | null;
    readonly unit: string;
    readonly formula: string;
  }[];
  readonly factors: readonly {
    readonly factor: string;
    readonly value: string;
    readonly source: string;
    readonly version: string;
    readonly licence: string;
    readonly url: string;
    readonly page: string;
    readonly note: string;
  }[];
  readonly differences: readonly string[];
}

export interface CoverageRow {
  readonly period: string;
  readonly status: 'estimated' | 'unmapped' | 'excluded';
  readonly reason: string | null;
  readonly service_code: string | null;
  readonly usage_family: string | null;
  readonly quality: string | null;
  readonly currency: string | null;
  readonly lines: number;
  readonly billed_cost: Decimal;
  readonly effective_cost: Decimal;
}

export interface VarianceRow {
  readonly period: string | null;
  readonly account_id: string | null;
  readonly region: string | null;
  readonly service_code: string | null;
  readonly ours_location_g: Decimal | null;
  readonly provider_location_g: Decimal | null;
  readonly ours_market_g: Decimal | null;
  readonly provider_market_g: Decimal | null;
}

export interface IntensityRow {
  readonly region: string | null;
  readonly time: string;
  readonly grid_intensity_g_per_kwh: number | null;
  readonly energy_kwh: Decimal | null;
  readonly co2e_location_g: Decimal | null;
}

export interface FactorRow {
  readonly period: string;
  readonly run_id: string;
  readonly method: string;
  readonly factor_set: string;
  readonly code_version: string;
  readonly published_at: string;
  readonly rows_in: number;
  readonly rows_estimated: number;
  readonly rows_unmapped: number;
  readonly rows_excluded: number;
  readonly rows_rejected: number;
}

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly comment: string | null;
}
export interface SqlAnswer {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly unknown[])[];
  readonly truncated: boolean;
}
export interface Schema {
  readonly tables: readonly { readonly name: string; readonly comment: string; readonly columns: readonly Column[] }[];
}
