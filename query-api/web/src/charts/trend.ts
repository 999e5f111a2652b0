/**
 * CO2e, energy and cost on one time line.
 *
 * Three units on one pair of axes would suggest that a crossing means something. Each series has a strip of its own
 * above the common time axis, and one pointer runs through all.
 */

import type { Merged } from '../api/merge';
import type { TimeRow } from '../api/types';
import { exact, toNumber } from '../format/decimal';
import type { Measure } from '../format/measures';
import { range, show, showIn, text } from '../format/number';
import { instantText } from '../format/time';
import { unitFor } from '../format/units';
import { axisLabel, axisMark, categoryAxis, type Draw, FIXED, timeMark, tooltipStyle, valueAxis } from './option';
import type { Palette } from './palette';
import { tooltip } from './tooltip';

export interface Strip {
  readonly measure: Measure;
  readonly color: (palette: Palette) => string;
}

const STRIP = 124;
const GAP = 22;

export function trendHeight(strips: number): number {
  return Math.max(1, strips) * STRIP + (Math.max(1, strips) - 1) * GAP + 34;
}

type Point = Merged<TimeRow>;
const bound = (row: Point, measure: Measure, end: 'low' | 'high') =>
  toNumber((row as unknown as Record<string, string | null>)[`${measure.key}_${end}`]);

export function trend(rows: readonly Point[], strips: readonly Strip[], grain: 'hour' | 'day' | 'month', currency: string): Draw {
  return (palette, width) => {
    const times = rows.map((row) => row.time);
    const narrow = width < 480;
    const parts = strips.map(({ measure, color }, index) => {
      const values = rows.map((row) => toNumber(row[measure.key]));
      const bounded = measure.bounded && rows.some((row) => bound(row, measure, 'high') !== null);
      const largest = Math.max(...values.map((value) => value ?? 0), 0);
      const unit = unitFor(measure.kind, largest, currency);
      const top = index * (STRIP + GAP) + 30;
      return { measure, values, unit, top, bounded, index, hue: color(palette) };
    });
    return {
      grid: parts.map(({ top }) => ({ ...FIXED, left: narrow ? 44 : 56, right: 24, top, height: STRIP - 30 })),
      xAxis: parts.map(({ index }) => ({
        ...categoryAxis(palette, times, (time) => timeMark(time, grain)),
        gridIndex: index,
        boundaryGap: false,
        axisLabel: { ...axisLabel(palette), show: index === parts.length - 1, formatter: (time: string) => timeMark(time, grain) },
      })),
      yAxis: parts.map(({ index, measure, unit }) => ({
        ...valueAxis(palette, (value) => axisMark(value / unit.size)),
        gridIndex: index,
        splitNumber: 3,
        name: `${measure.short}, ${showIn(measure.kind, unit, 0).unit || currency}`,
        nameLocation: 'end',
        nameGap: 13,
        nameTextStyle: { color: palette.ink2, fontFamily: palette.font, fontSize: 11, fontWeight: 600, align: 'left', padding: [0, 0, 0, narrow ? -38 : -48] },
      })),
      axisPointer: { link: [{ xAxisIndex: 'all' }] },
      tooltip: {
        ...tooltipStyle(palette),
        trigger: 'axis',
        formatter: (points: { dataIndex: number }[]) => {
          const row = rows[points[0]?.dataIndex ?? 0];
          if (!row) return document.createElement('div');
          const entries = parts.map(({ measure, hue }) => ({
            color: hue,
            label: measure.short,
            value: text(show(measure.kind, toNumber(row[measure.key]), currency)),
            exact: `${exact(row[measure.key])} ${measure.unit || currency}`,
          }));
          const first = parts[0];
          const span = first?.bounded ? range('mass', bound(row, first.measure, 'low'), bound(row, first.measure, 'high')) : null;
          return tooltip(instantText(row.time, grain) + (grain === 'hour' ? ' UTC' : ''), entries, span ? `Range of CO₂e: ${span}` : '');
        },
      },
      series: parts.map(({ index, values, hue, measure }) => ({
        type: 'line',
        name: measure.short,
        xAxisIndex: index,
        yAxisIndex: index,
        data: values,
        showSymbol: rows.length < 3,
        symbolSize: 6,
        lineStyle: { width: 2, color: hue },
        itemStyle: { color: hue },
        areaStyle: { color: hue, opacity: 0.1 },
        emphasis: { disabled: true },
      })),
    };
  };
}
