// What `airshed explain -o json` prints, for a line of the made-up company. Texts as of a real explanation.

import { decimal, gridAt, partOf, SERIES, SUMS, timeOf } from './cube.mjs';
import { REGIONS, RUNS } from './estate.mjs';

export function lineId(series, resource, hour) {
  return `ln${series.toString(36).padStart(3, '0')}${resource.toString(36).padStart(2, '0')}${hour.toString(36).padStart(4, '0')}`;
}

function parts(id) {
  const match = /^ln([0-9a-z]{3})([0-9a-z]{2})([0-9a-z]{4})$/.exec(id);
  return match ? match.slice(1).map((digits) => parseInt(digits, 36)) : null;
}

const step = (title, formula, { inputs = [], result = null, factors = [], note = null } = {}) => ({ title, formula, inputs, result, factors, note });
const number = (name, value, unit) => ({ name, value, unit });

export function lineage(id, period) {
  const [seriesIndex, resource, hour] = parts(id) ?? [];
  const one = SERIES[seriesIndex];
  const time = hour === undefined ? '' : timeOf(hour);
  if (!one || resource >= one.resources.length || (period && !time.startsWith(period))) return null;
  const run = RUNS.find((known) => time.startsWith(known.period));
  const value = (name) => decimal(partOf(one.sums[name][hour], one.resources.length, resource), 8);
  const grid = gridAt(one.gridRegion, hour);
  const { zone, swing, market } = REGIONS[one.gridRegion];
  const basis = swing ? 'hourly' : 'yearly';
  const gridFactor = `grid/${basis}/${zone}/2026${swing ? `/${time}` : '/lifecycle'}`;
  const estimated = one.status === 'estimated';
  const kwh = Number(value('energy_kwh'));
  const steps = estimated
    ? [
        step('classification', `estimated, ${one.quality}`, { note: `usage family ${one.usage_family}` }),
        step('region', one.gridRegion, { note: 'stated in the export' }),
        step(`power of ${one.instance_type ?? one.usage_family}`, 'power at utilisation x hours / 1000', {
          inputs: [number('vCPU', 8, '1'), number('memory', 32, 'GiB'), number('hours per billed unit', 1, 'h')],
          factors: ['compute/microarchitecture/skylake', 'compute/parameter/memory_w_per_gib'],
        }),
        step(`PUE of ${one.gridRegion}`, 'facility energy / IT energy', { result: number('pue', 1.15, '1'), factors: [`facility/pue/aws/${one.gridRegion}/2024`], note: `published for ${one.gridRegion}; 2024 is the nearest year` }),
        step('utilisation of the line', one.quality === 'measured' ? 'measured over all of its time' : 'the default: nothing was measured', { result: number('utilization', one.quality === 'measured' ? 0.314 : 0.5, '1'), note: one.quality === 'measured' ? 'measured' : 'default' }),
        step('energy per billed unit, before PUE', 'sum of the parts at that utilisation', { inputs: [number('processors', kwh * 0.49, 'kWh'), number('memory', kwh * 0.51, 'kWh')], result: number('it_kwh', kwh / 1.15, 'kWh') }),
        step('grid intensity of the line', basis, { result: number('grid_intensity_g_per_kwh', grid, 'gCO2e/kWh'), factors: [gridFactor], note: `zone ${zone}, from ${time} to ${timeOf(hour + 1)}` }),
        step(`market-based intensity of ${one.gridRegion}`, 'residual mix, else location-based', { result: number('market_intensity_g_per_kwh', market, 'gCO2e/kWh'), factors: [`grid/residual_mix/${zone}/2025`] }),
        step('rounding', 'each quantity once, half to even, to steps of 1e-8', { note: 'quantities of the row are computed in double precision and never used again after rounding' }),
      ]
    : [step('classification', `${one.status}: ${one.reason}`, { note: `usage family ${one.usage_family}` })];
  const formulas = { energy_kwh: 'IT energy x PUE', co2e_location_g: 'energy_kwh x grid_intensity_g_per_kwh', co2e_market_g: 'energy_kwh x market_intensity_g_per_kwh', co2e_embodied_g: 'amount x embodied grams per unit' };
  const unit = (name) => (name.includes('kwh') ? 'kWh' : name.startsWith('water') ? 'L' : 'gCO2e');
  const citation = (factor, text, source, page, url, note = '') => ({ factor, value: text, source, version: '2026', licence: 'CC BY 4.0', url, page, note });
  return {
    line_id: id, status: one.status, reason: one.reason, usage_family: one.usage_family, period: run.period, run_id: run.run_id,
    method: 'airshed', factor_set: run.factor_set, code_version: 'calculation-1',
    sources: [{ object_uri: `s3://acme-bills/acme-cur2/data/BILLING_PERIOD=${run.period}/acme-cur2-00001.snappy.parquet`, row_group: String(seriesIndex % 7), row_number: String(hour * 11 + resource) }],
    billed: { provider: 'aws', service_code: one.service_code, usage_type: one.usage_type, operation: 'RunInstances', ...(one.instance_type ? { instance_type: one.instance_type } : {}), line_type: 'Usage', ...(one.region ? { region: one.region } : {}), currency: one.currency, usage_amount: '1.000000000000', usage_unit: one.usage_unit ?? '' },
    steps,
    figures: estimated ? SUMS.slice(4).map((name) => ({ column: name, value: value(name), unit: unit(name), formula: formulas[name] ?? '' })) : [],
    factors: estimated
      ? [
          citation('compute/microarchitecture/skylake', '4.104170353 (3.2411 to 4.4628) W', 'Thoughtworks: Cloud Carbon Footprint coefficients', 'coefficients-aws-use.csv, row `Skylake`', 'https://github.com/cloud-carbon-footprint/ccf-coefficients', 'Bounds: 10th and 90th percentile of 71 SPECpower results'),
          citation('compute/parameter/memory_w_per_gib', '0.392 (0.126 to 0.62) W/GiB', 'Thoughtworks: Cloud Carbon Footprint methodology', 'Appendix: memory, mean of two makers', 'https://www.cloudcarbonfootprint.org/docs/methodology/'),
          citation(gridFactor, `${grid.toFixed(3)} gCO2e/kWh`, 'Made for the mock server', `zone ${zone}`, 'https://example.org/grid'),
        ]
      : [],
    differences: [],
  };
}
