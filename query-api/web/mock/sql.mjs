// Just enough SQL for the SQL page: `SELECT dims, sum(measure) ... FROM emissions_* [GROUP BY ..]`.

import { ANSWERS, DIMENSIONS, Refused } from './answers.mjs';
import { SUMS } from './cube.mjs';

const COMMENTS = { energy_kwh: 'Electricity at the meter of the facility, PUE included, kWh', co2e_location_g: 'Operational emissions, location-based, gCO2e', billed_cost: 'Cost on the invoice, in currency' };
const column = (name) => ({ name, type: DIMENSIONS.includes(name) || name === 'tags' ? 'text' : 'decimal(38, 8)', comment: COMMENTS[name] ?? null });
const table = (name, comment, first) => ({ name, comment, columns: [...first, ...DIMENSIONS, 'tags', ...SUMS].map(column) });

export const SCHEMA = {
  tables: [
    table('emissions_hourly', 'Dimensions x hour; sum before use', ['hour']),
    table('emissions_daily', 'Dimensions x day; sum before use', ['day']),
    table('emissions_monthly', 'Dimensions x month; sum before use', ['period']),
    { name: 'coverage', comment: 'Status x reason x service x usage family x currency', columns: ['status', 'reason', 'service_code', 'lines', 'billed_cost'].map(column) },
  ],
};

export function run(sql, maxRows) {
  const match = /^\s*select\s+(.+?)\s+from\s+emissions_\w+(?:\s+group\s+by\s+[\w\s,]+)?(?:\s+order\s+by\s+.+)?\s*;?\s*$/is.exec(sql.replace(/--.*$/gm, ''));
  const items = match?.[1].split(',').map((item) => /^(?:sum\((\w+)\)(?:\s+as\s+(\w+))?|(\w+))$/i.exec(item.trim()));
  if (!items || items.some((item) => !item || !(item[3] ? DIMENSIONS : SUMS).includes(item[3] ?? item[1]))) {
    throw new Refused(400, 'The statement was refused', 'The mock server knows only `SELECT dimension, sum(measure) AS name FROM emissions_daily GROUP BY dimension`.');
  }
  const dimensions = items.filter((item) => item[3]).map((item) => item[3]);
  const { rows } = ANSWERS.emissions(new URLSearchParams({ group_by: dimensions.join(','), limit: '10000' }));
  const merged = new Map();
  for (const row of rows) {
    const key = JSON.stringify(dimensions.map((name) => row[name]));
    merged.set(key, [...(merged.get(key) ?? []), row]);
  }
  const add = (group, name) => {
    const steps = group.map((row) => row[name]).filter(Boolean).map((text) => BigInt(text.replace('.', '')));
    if (steps.length === 0) return null;
    const places = group.find((row) => row[name])[name].split('.')[1].length;
    const digits = steps.reduce((a, b) => a + b).toString().padStart(places + 1, '0');
    return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  };
  const out = [...merged.values()].map((group) => items.map((item) => (item[3] ? group[0][item[3]] : add(group, item[1]))));
  return { columns: items.map((item) => ({ ...column(item[3] ?? item[1]), name: item[3] ?? item[2] ?? `sum(${item[1]})` })), rows: out.slice(0, maxRows), truncated: out.length > maxRows };
}
