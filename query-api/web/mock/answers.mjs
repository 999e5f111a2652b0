// Answers of `/v1` as the contract states them, computed from the made-up company.

import { addHours, decimal, hourOf, measures, partOf, SERIES, SUMS, timeOf, zero } from './cube.mjs';
import { ACCOUNT_NAMES, FIRST_DAY, HOURS, LAST_DAY, REGIONS, RUNS, SUPERSEDED } from './estate.mjs';
import { lineage, lineId } from './lineage.mjs';

/** Sums of the span before, under names that say so; null where it had nothing of the group. */
function previously(group) {
  const sums = measures(group ? group.total : zero());
  return Object.fromEntries(Object.entries(sums).map(([name, value]) => [`previous_${name}`, group ? value : null]));
}

export const DIMENSIONS = ['provider', 'account_id', 'region', 'service_code', 'usage_family', 'instance_type', 'currency'];
export const TAGS = ['environment', 'team'];

export class Refused extends Error {
  constructor(status, title, detail) {
    super(detail);
    Object.assign(this, { status, title });
  }
}

const fieldOf = (one, dimension) => (dimension.startsWith('tag.') ? (one.tags[dimension.slice(4)] ?? null) : one[dimension]);

function known(dimension) {
  if (DIMENSIONS.includes(dimension) || (dimension.startsWith('tag.') && TAGS.includes(dimension.slice(4)))) return dimension;
  throw new Refused(400, 'Unknown dimension', `\`${dimension}\` is neither a dimension nor a tag of this ledger.`);
}

/** Runs that were current when the pinned one was. */
function runsAt(query) {
  const run = query.get('as_of');
  if (!run) return RUNS;
  if (run === SUPERSEDED.run_id) return [SUPERSEDED];
  const index = RUNS.findIndex((known) => known.run_id === run);
  if (index < 0) throw new Refused(404, 'Unknown run', `No run \`${run}\` was published.`);
  return RUNS.slice(0, index + 1);
}

/** Series that the filters leave, and the hours asked for, cut to the run that is pinned. */
function asked(query) {
  const last = runsAt(query).length === 1 ? 30 * 24 : HOURS;
  const from = hourOf(query.get('from') ?? FIRST_DAY);
  const to = query.get('to') ? hourOf(query.get('to')) : HOURS;
  if (!(from < to)) throw new Refused(400, 'Empty span', '`from` must be before `to`.');
  const wanted = new Map();
  for (const [name, value] of query) if (DIMENSIONS.includes(name) || name.startsWith('tag.')) wanted.set(name, [...(wanted.get(name) ?? []), value]);
  const fits = (one) => [...wanted].every(([name, values]) => values.includes(fieldOf(one, name) ?? ''));
  return { series: SERIES.filter(fits), from: Math.max(0, from), to: Math.min(last, to), rawFrom: from, rawTo: to };
}

function statement(dimensions, table, query, extra = '') {
  const names = dimensions.map((name) => (name.startsWith('tag.') ? `tag(tags, '${name.slice(4)}') AS "${name}"` : name));
  const where = [`day >= DATE '${query.get('from') ?? FIRST_DAY}'`, `day < DATE '${query.get('to') ?? '2026-11-01'}'`];
  for (const [name, value] of query) if (DIMENSIONS.includes(name)) where.push(`${name} = '${value.replaceAll("'", "''")}'`);
  const sums = SUMS.map((name) => `sum(${name}) AS ${name}`).join(',\n       ');
  return `SELECT ${[...names, sums].join(', ')}\nFROM ${table}\nWHERE ${where.join('\n  AND ')}${names.length ? `\nGROUP BY ${names.map((_, i) => i + 1).join(', ')}` : ''}${extra}`;
}

function grouped(series, from, to, dimensions) {
  const groups = new Map();
  for (const one of series) {
    if (from >= to) continue;
    const values = dimensions.map((name) => fieldOf(one, name));
    const key = JSON.stringify(values);
    if (!groups.has(key)) groups.set(key, { dims: Object.fromEntries(dimensions.map((name, i) => [name, values[i]])), total: zero() });
    addHours(groups.get(key).total, one, from, to);
  }
  return [...groups.values()];
}

function ordered(groups, query) {
  const order = query.get('order') ?? '-co2e_location_g';
  const [name, sign] = order.startsWith('-') ? [order.slice(1), -1] : [order, 1];
  const index = SUMS.indexOf(name);
  const of = (group) => (index >= 0 ? group.total.steps[index] : name === 'lines' ? group.total.lines : String(group.dims[name] ?? ''));
  return groups.sort((a, b) => {
    const [x, y] = [of(a), of(b)];
    return (x < y ? -sign : x > y ? sign : 0) || JSON.stringify(a.dims).localeCompare(JSON.stringify(b.dims));
  });
}

function paged(rows, query, sql) {
  const limit = Math.min(10_000, Number(query.get('limit') ?? 100));
  const offset = Number(Buffer.from(query.get('cursor') ?? '', 'base64url').toString() || 0);
  const rest = offset + limit < rows.length;
  return { rows: rows.slice(offset, offset + limit), next_cursor: rest ? Buffer.from(String(offset + limit)).toString('base64url') : null, sql };
}

const withCurrency = (dimensions) => (dimensions.includes('currency') ? dimensions : [...dimensions, 'currency']);
const flat = (group) => ({ ...group.dims, ...measures(group.total) });
const dimensionsOf = (query) => (query.get('group_by') ?? '').split(',').filter(Boolean).map(known);

export const ANSWERS = {
  meta: (query, state) => {
    const runs = runsAt(query);
    return {
      version: '0.1.0', user: state.user, periods: runs.map(({ period, run_id, published_at }) => ({ period, run_id, published_at })),
      first_day: FIRST_DAY, last_day: runs.length === 1 ? '2026-09-30' : LAST_DAY, dimensions: DIMENSIONS, tags: TAGS,
      measures: SUMS.map((name) => ({ name, unit: name.includes('kwh') ? 'kWh' : name.includes('cost') ? 'currency' : name.startsWith('water') ? 'L' : 'g', title: name })),
      currencies: ['USD', 'EUR'], account_names: ACCOUNT_NAMES, as_of: query.get('as_of'), revision: state.revision,
    };
  },
  emissions: (query) => {
    const { series, from, to } = asked(query);
    const dimensions = withCurrency(dimensionsOf(query));
    return paged(ordered(grouped(series, from, to, dimensions), query).map(flat), query, statement(dimensions, 'emissions_daily', query));
  },
  timeseries: (query) => {
    const { series, from, to } = asked(query);
    const dimensions = dimensionsOf(query);
    const grain = query.get('grain') ?? 'day';
    const width = { hour: 13, day: 10, month: 7 }[grain];
    if (!width) throw new Refused(400, 'Unknown grain', '`grain` is hour, day or month.');
    const top = Number(query.get('top') ?? 8);
    const keyOf = (one) => JSON.stringify(dimensions.map((name) => fieldOf(one, name)));
    const largest = new Set(ordered(grouped(series, from, to, dimensions), new URLSearchParams()).slice(0, top).map((group) => JSON.stringify(Object.values(group.dims))));
    const groups = new Map();
    for (const one of series) {
      const inTop = dimensions.length === 0 || largest.has(keyOf(one));
      const dims = Object.fromEntries(dimensions.map((name) => [name, inTop ? fieldOf(one, name) : null]));
      for (let start = from; start < to; ) {
        let end = start + 1;
        const time = timeOf(start).slice(0, width);
        while (end < to && timeOf(end).slice(0, width) === time) end += 1;
        const shown = grain === 'hour' ? `${time}:00:00Z` : grain === 'month' ? `${time}-01` : time;
        const key = JSON.stringify([shown, dims, one.currency, inTop]);
        if (!groups.has(key)) groups.set(key, { dims: { time: shown, ...dims, currency: one.currency, ...(inTop ? {} : { other: true }) }, total: zero() });
        addHours(groups.get(key).total, one, start, end);
        start = end;
      }
    }
    const rows = [...groups.values()].map(flat).sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    return { rows, sql: statement(['day', ...withCurrency(dimensions)], `emissions_${grain === 'hour' ? 'hourly' : grain === 'month' ? 'monthly' : 'daily'}`, query) };
  },
  breakdown: (query) => {
    const { series, from, to, rawFrom, rawTo } = asked(query);
    const dimensions = withCurrency([known(query.get('by') ?? 'service_code')]);
    const length = rawTo - rawFrom;
    const earlier = new Map(grouped(series, Math.max(0, rawFrom - length), Math.max(0, Math.min(HOURS, rawTo - length)), dimensions).map((group) => [JSON.stringify(group.dims), group]));
    const rows = ordered(grouped(series, from, to, dimensions), query).slice(0, Number(query.get('top') ?? 10));
    return {
      rows: rows.map((group) => ({ ...flat(group), ...(query.get('compare') === 'previous' ? previously(earlier.get(JSON.stringify(group.dims))) : {}) })),
      sql: statement(dimensions, 'emissions_daily', query, `\nORDER BY co2e_location_g DESC\nLIMIT ${query.get('top') ?? 10}`),
    };
  },
  resources: (query) => {
    const { series, from, to } = asked(query);
    const groups = series.flatMap((one) =>
      one.resources.map((resource_id, index) => {
        const total = zero();
        total.lines = to - from;
        total.lines_estimated = one.status === 'estimated' ? to - from : 0;
        total.known = one.status === 'estimated';
        SUMS.forEach((name, at) => {
          for (let hour = from; hour < to; hour += 1) total.steps[at] += partOf(one.sums[name][hour], one.resources.length, index);
        });
        const { account_id, region, service_code, instance_type, currency } = one;
        return { dims: { account_id, region, service_code, instance_type, resource_id, currency }, total };
      }),
    );
    return paged(ordered(groups, query).map(flat), query, statement(['resource_id', 'currency'], 'emissions_resource_daily', query));
  },
  lines: (query) => {
    const { series, from, to } = asked(query);
    const resource = query.get('resource_id');
    if (!resource) throw new Refused(400, 'Which resource?', '`resource_id` is missing.');
    const rows = series.flatMap((one) =>
      one.resources.flatMap((name, index) => (name === resource ? Array.from({ length: to - from }, (_, i) => line(one, index, from + i)) : [])),
    );
    rows.sort((a, b) => (a.usage_start < b.usage_start ? -1 : a.usage_start > b.usage_start ? 1 : a.line_id < b.line_id ? -1 : 1));
    return paged(rows, query, `SELECT * FROM emissions\nWHERE resource_id = '${resource.replaceAll("'", "''")}'\nORDER BY usage_start`);
  },
  coverage: (query) => {
    const { from, to } = asked(query);
    const rows = RUNS.flatMap(({ period }) => {
      const [start, end] = period === '2026-09' ? [0, 720] : [720, HOURS];
      if (end <= from || start >= to) return [];
      return grouped(SERIES, start, end, ['status', 'reason', 'service_code', 'usage_family', 'quality', 'currency']).map(({ dims, total }) => ({
        period, ...dims, lines: total.lines, billed_cost: decimal(total.steps[0], 12), effective_cost: decimal(total.steps[1], 12),
      }));
    });
    return { rows, sql: 'SELECT * FROM coverage' };
  },
  variance: (query) => {
    const groups = grouped(SERIES.filter((one) => one.status === 'estimated'), 0, 720, ['account_id', 'region', 'service_code']);
    const share = (group, salt) => 0.55 + 0.9 * (([...JSON.stringify(group.dims) + salt].reduce((sum, c) => sum + c.charCodeAt(0) * 7, 0) % 100) / 100);
    const at = (name) => SUMS.indexOf(name);
    return {
      rows: groups.map((group, index) => ({
        period: '2026-09', ...group.dims,
        ours_location_g: decimal(group.total.steps[at('co2e_location_g')], 8),
        provider_location_g: index % 11 === 5 ? null : decimal(Math.round(group.total.steps[at('co2e_location_g')] * share(group, 'l')), 8),
        ours_market_g: decimal(group.total.steps[at('co2e_market_g')], 8),
        provider_market_g: index % 11 === 5 ? null : decimal(Math.round(group.total.steps[at('co2e_market_g')] * share(group, 'm') * 0.22), 8),
      })),
      sql: 'SELECT * FROM provider_variance',
      ...(query.get('empty') ? { rows: [] } : {}),
    };
  },
  intensity: (query) => {
    const { series, from, to } = asked(query);
    const [energy, carbon] = ['energy_kwh', 'co2e_location_g'];
    const rows = Object.keys(REGIONS).flatMap((region) => {
      const own = series.filter((one) => one.region === region && one.status === 'estimated');
      if (own.length === 0) return [];
      return Array.from({ length: Math.max(0, to - from) }, (_, i) => {
        const total = (name) => own.reduce((sum, one) => sum + one.sums[name][from + i], 0);
        const [kwh, grams] = [total(energy), total(carbon)];
        return { region, time: timeOf(from + i), grid_intensity_g_per_kwh: grams / kwh, energy_kwh: decimal(kwh, 8), co2e_location_g: decimal(grams, 8) };
      });
    });
    return { rows, sql: "SELECT region, hour AS time, sum(co2e_location_g) / sum(energy_kwh) AS grid_intensity_g_per_kwh\nFROM emissions_hourly\nGROUP BY 1, 2" };
  },
  factors: () => ({
    rows: [...RUNS, SUPERSEDED].map((run) => {
      const [start, end] = run.period === '2026-09' ? [0, 720] : [720, HOURS];
      const rows = (status) => SERIES.filter((one) => one.status === status).reduce((sum, one) => sum + one.resources.length * (end - start), 0);
      const counts = { rows_estimated: rows('estimated'), rows_unmapped: rows('unmapped'), rows_excluded: rows('excluded'), rows_rejected: run.period === '2026-10' ? 1 : 0 };
      return { period: run.period, run_id: run.run_id, method: 'airshed', factor_set: run.factor_set, code_version: 'calculation-1', published_at: run.published_at, rows_in: Object.values(counts).reduce((a, b) => a + b), ...counts };
    }),
    sql: 'SELECT * FROM runs',
  }),
};

function line(one, index, hour) {
  const value = (name, places = 8) => (one.status === 'estimated' || name.includes('cost') ? decimal(partOf(one.sums[name][hour], one.resources.length, index), places) : null);
  const start = timeOf(hour);
  return {
    line_id: lineId(SERIES.indexOf(one), index, hour), period: start.slice(0, 7), usage_start: start, usage_end: timeOf(hour + 1),
    account_id: one.account_id, region: one.region, service_code: one.service_code, usage_type: one.usage_type, operation: 'RunInstances',
    instance_type: one.instance_type, resource_id: one.resources[index], usage_amount: '1.000000000000', usage_unit: one.usage_unit,
    billed_cost: value('billed_cost', 12), effective_cost: value('effective_cost', 12), currency: one.currency, status: one.status, reason: one.reason,
    usage_family: one.usage_family, quality: one.quality, utilization: one.quality === 'measured' ? 0.314 : 0.5, utilization_source: one.quality === 'measured' ? 'measured' : 'default',
    energy_kwh: value('energy_kwh'), co2e_location_g: value('co2e_location_g'), co2e_location_g_low: value('co2e_location_g_low'), co2e_location_g_high: value('co2e_location_g_high'),
    co2e_market_g: value('co2e_market_g'), co2e_embodied_g: value('co2e_embodied_g'),
    grid_intensity_g_per_kwh: one.status === 'estimated' ? Number(partOf(one.sums.co2e_location_g[hour], 1, 0)) / one.sums.energy_kwh[hour] : null,
    grid_basis: REGIONS[one.gridRegion].swing ? 'hourly' : 'yearly', grid_zone: REGIONS[one.gridRegion].zone,
  };
}

export function lineageAnswer(id, query) {
  const found = lineage(id, query.get('period'));
  if (!found) throw new Refused(404, 'No such line', `No current run has a line \`${id}\`.`);
  return { lines: [found] };
}
