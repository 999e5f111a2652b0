// The hourly figures of the made-up company, in whole steps of 1e-8, so that every sum is exact in any order.

import { ACCOUNTS, chance, HOURS, PARTS, REGIONS, START_MS, uses } from './estate.mjs';

export const SUMS = [
  'billed_cost', 'effective_cost', 'billed_cost_estimated', 'billed_cost_unmapped',
  'energy_kwh', 'energy_kwh_low', 'energy_kwh_high',
  'co2e_location_g', 'co2e_location_g_low', 'co2e_location_g_high', 'co2e_market_g',
  'co2e_embodied_g', 'co2e_embodied_g_low', 'co2e_embodied_g_high',
  'co2e_upstream_g', 'co2e_t_and_d_g', 'water_l', 'water_cooling_l',
];
const COSTS = SUMS.slice(0, 4);
const STEPS = 1e8;

export function gridAt(region, hour) {
  const grid = REGIONS[region];
  if (!grid.swing) return grid.mean;
  const ofDay = Math.cos(((hour % 24) - grid.lowest) * (Math.PI / 12));
  const day = Math.floor(hour / 24);
  const weather = chance(grid.zone, day) * 0.6 + chance(grid.zone, day + 1) * 0.4 - 0.5;
  return Math.max(8, grid.mean - grid.swing * ofDay + grid.drift * 2 * weather + grid.drift * 0.2 * (chance(grid.zone, 'h', hour) - 0.5));
}

/** How busy a team is: office hours, weekends, nightly batches, and what changed in October. */
function load(team, part, region, hour) {
  const local = (hour + REGIONS[region].utc + 24) % 24;
  const day = Math.floor(hour / 24);
  const weekend = [5, 6].includes((day + 1) % 7);
  const storage = part[1].includes('storage');
  if (storage) return 1 + day * 0.0016;
  const office = Math.max(0, Math.sin(((local - 6) / 14) * Math.PI));
  const batch = team === 'data' && (local < 5 || local > 22) ? 1.1 : 0;
  let busy = 0.62 + 0.5 * office * (weekend ? 0.35 : 1) + batch;
  if (part[0] === 'AmazonSageMaker') busy = day % 9 < 3 ? 2.4 : 0.15;
  if (team === 'storefront' && day > 40) busy *= 1.24;
  if (team === 'payments' && part[2] === 'm5.2xlarge' && day > 29) busy *= 0.55;
  return busy * (0.94 + 0.12 * chance(team, part[0], region, hour));
}

function series(account, team, region, size, currency, part) {
  const [service, family, instance, quality, energyShare, costPerKwh, resources, prefix, usageType, unit] = part;
  const estimated = energyShare > 0;
  const excluded = quality === 'tax';
  const sums = Object.fromEntries(SUMS.map((name) => [name, new Float64Array(HOURS)]));
  const scale = size * (0.55 + 0.9 * chance(account, region, service, instance ?? family)) * 0.145;
  for (let hour = 0; hour < HOURS; hour += 1) {
    const busy = load(team, part, region, hour);
    const kwh = scale * energyShare * busy;
    const cost = (estimated ? kwh : scale * 0.5 * busy) * costPerKwh * 1.3;
    const put = (name, value) => (sums[name][hour] = Math.round(value * STEPS));
    put('billed_cost', cost);
    put('effective_cost', cost * (instance ? 0.93 : 1));
    if (!estimated) {
      if (!excluded) put('billed_cost_unmapped', cost);
      continue;
    }
    const grid = gridAt(region, hour);
    put('billed_cost_estimated', cost);
    put('energy_kwh', kwh);
    put('energy_kwh_low', kwh * 0.48);
    put('energy_kwh_high', kwh * 1.9);
    put('co2e_location_g', kwh * grid);
    put('co2e_location_g_low', kwh * grid * 0.46);
    put('co2e_location_g_high', kwh * grid * 2.05);
    put('co2e_market_g', kwh * REGIONS[region].market);
    put('co2e_embodied_g', kwh * 43);
    put('co2e_embodied_g_low', kwh * 31);
    put('co2e_embodied_g_high', kwh * 92);
    put('co2e_upstream_g', kwh * grid * 0.24);
    put('co2e_t_and_d_g', kwh * grid * 0.041);
    put('water_l', kwh * 1.9);
    put('water_cooling_l', kwh * 0.12);
  }
  const tags = team ? { team, environment: chance(account) < 0.7 ? 'prod' : 'staging' } : {};
  const names = Array.from({ length: resources }, (_, index) =>
    prefix === null ? null : prefix.startsWith('i-') || prefix.startsWith('vol-') ? prefix + id(account, region, index) : `arn:aws:${service.replace(/^(Amazon|AWS)/, '').toLowerCase()}:${region}:${account}:${prefix}${id(account, service, index).slice(0, 6)}`,
  );
  return {
    provider: 'aws', account_id: account, region: service === 'AmazonCloudFront' ? null : region, gridRegion: region,
    service_code: service, usage_family: family, instance_type: instance, currency, tags,
    status: estimated ? 'estimated' : excluded ? 'excluded' : 'unmapped',
    reason: estimated ? null : quality, quality: estimated ? quality : null,
    usage_type: usageType, usage_unit: unit, resources: names, sums,
  };
}

function id(...names) {
  return [0, 1].map((part) => Math.floor(chance(...names, part) * 2 ** 32).toString(16).padStart(8, '0')).join('');
}

export const SERIES = ACCOUNTS.flatMap(([account, team, regions, size, currency]) =>
  regions.flatMap((region, rank) =>
    PARTS.filter(([service]) => uses(account, service)).map((part) => series(account, team, region, size / (rank * 1.7 + 1), currency, part)),
  ),
);

/** An empty sum. */
export function zero() {
  return { lines: 0, lines_estimated: 0, known: false, steps: new Float64Array(SUMS.length) };
}

export function addHours(into, one, from, to) {
  const count = Math.max(0, to - from);
  into.lines += count * one.resources.length;
  if (one.status === 'estimated' && count > 0) {
    into.lines_estimated += count * one.resources.length;
    into.known = true;
  }
  SUMS.forEach((name, index) => {
    const hours = one.sums[name];
    for (let hour = from; hour < to; hour += 1) into.steps[index] += hours[hour];
  });
}

/** One resource's part of an hour; the parts add up to the hour exactly. */
export function partOf(steps, count, index) {
  const each = Math.floor(steps / count);
  return index === count - 1 ? steps - each * (count - 1) : each;
}

/** Steps of 1e-8 as the API writes them. */
export function decimal(steps, places) {
  const negative = steps < 0;
  const digits = Math.abs(steps).toFixed(0).padStart(9, '0');
  return `${negative ? '-' : ''}${digits.slice(0, -8)}.${digits.slice(-8).padEnd(places, '0')}`;
}

export function measures(total) {
  const row = { lines: total.lines, lines_estimated: total.lines_estimated };
  SUMS.forEach((name, index) => {
    const cost = COSTS.includes(name);
    row[name] = cost || total.known ? decimal(total.steps[index], cost ? 12 : 8) : null;
  });
  return row;
}

export function hourOf(day) {
  return Math.round((Date.parse(`${day}T00:00:00Z`) - START_MS) / 3_600_000);
}

export function timeOf(hour) {
  return new Date(START_MS + hour * 3_600_000).toISOString().replace('.000', '');
}
