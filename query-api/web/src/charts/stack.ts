/** Groups over time, stacked: areas for a course, bars for amounts. */

import { exact, sum, toNumber } from '../format/decimal';
import type { Measure } from '../format/measures';
import { show, showIn, text } from '../format/number';
import { instantText } from '../format/time';
import { unitFor } from '../format/units';
import { axisMark, categoryAxis, type Draw, FIXED, timeMark, tooltipStyle, valueAxis } from './option';
import { tooltip } from './tooltip';

export interface Layer {
  readonly name: string;
  /** Place in the palette; null for what is summed up as others. */
  readonly color: number | null;
  /** Exact figures by place on the time axis; null where there is none. */
  readonly values: readonly (string | null)[];
  readonly hidden: boolean;
}

export function stack(
  times: readonly string[],
  layers: readonly Layer[],
  measure: Measure,
  options: { shape: 'area' | 'bars'; grain: 'hour' | 'day' | 'month'; currency: string },
): Draw {
  const { shape, grain, currency } = options;
  const shown = layers.filter((layer) => !layer.hidden);
  const totals = times.map((_, at) => shown.reduce((sum, layer) => sum + (toNumber(layer.values[at]) ?? 0), 0));
  const unit = unitFor(measure.kind, Math.max(...totals, 0), currency);
  return (palette, width) => ({
    grid: { ...FIXED, left: width < 480 ? 44 : 56, right: 24, top: 34, bottom: 26 },
    xAxis: { ...categoryAxis(palette, times, (time) => timeMark(time, grain)), boundaryGap: shape === 'bars' || times.length === 1 },
    yAxis: {
      ...valueAxis(palette, (value) => axisMark(value / unit.size)),
      name: showIn(measure.kind, unit, 0).unit || currency,
      nameGap: 14,
      nameTextStyle: { color: palette.ink2, fontFamily: palette.font, fontSize: 11, fontWeight: 600, align: 'left', padding: [0, 0, 0, width < 480 ? -38 : -48] },
    },
    tooltip: {
      ...tooltipStyle(palette),
      trigger: 'axis',
      formatter: (points: { dataIndex: number }[]) => {
        const at = points[0]?.dataIndex ?? 0;
        const rows = shown
          .map((layer) => ({ layer, value: toNumber(layer.values[at]) }))
          .filter(({ value }) => value !== null && value !== 0)
          .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
        const entries = rows.map(({ layer, value }) => ({
          color: layer.color === null ? palette.other : (palette.series[layer.color] ?? palette.other),
          label: layer.name,
          value: text(show(measure.kind, value, currency)),
          exact: `${exact(layer.values[at])} ${measure.unit || currency}`,
        }));
        if (rows.length > 1) {
          const together = `${exact(sum(shown.map((layer) => layer.values[at])))} ${measure.unit || currency}`;
          entries.push({ color: 'transparent', label: 'Together', value: text(show(measure.kind, totals[at] ?? 0, currency)), exact: together });
        }
        return tooltip(instantText(times[at] ?? '', grain) + (grain === 'hour' ? ' UTC' : ''), entries);
      },
    },
    series: shown.map((layer) => {
      const color = layer.color === null ? palette.other : (palette.series[layer.color] ?? palette.other);
      const data = layer.values.map((value) => toNumber(value) ?? 0);
      const common = { name: layer.name, stack: 'all', data, itemStyle: { color }, emphasis: { disabled: true } };
      if (shape === 'bars' || times.length === 1) {
        return { ...common, type: 'bar', barMaxWidth: 34, barCategoryGap: '22%', itemStyle: { color, borderColor: palette.surface, borderWidth: 0.5 } };
      }
      // A seam of the ground's colour sets neighbours apart for those who cannot tell their hues.
      return { ...common, type: 'line', showSymbol: false, lineStyle: { width: 1, color: palette.surface }, areaStyle: { color, opacity: 0.92 } };
    }),
  });
}
