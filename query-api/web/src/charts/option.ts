/** What all charts have in common: axes, grid, tooltip. */

import type { EChartsCoreOption } from 'echarts/core';
import { short } from '../format/number';
import { dayText, instantText, millis } from '../format/time';
import type { Palette } from './palette';

export type Option = EChartsCoreOption;

/** A chart as data: given colours, what to draw. */
export type Draw = (palette: Palette, width: number) => Option;

export function tooltipStyle(palette: Palette) {
  return {
    confine: true,
    backgroundColor: palette.surface,
    borderColor: palette.line,
    borderWidth: 1,
    padding: [8, 12],
    textStyle: { color: palette.ink, fontFamily: palette.font, fontSize: 12 },
    extraCssText: 'border-radius:8px;box-shadow:0 8px 24px rgb(0 0 0 / 18%)',
    transitionDuration: 0.1,
  };
}

/** A mark of a value axis: no more digits than tell it from its neighbours. */
export function axisMark(value: number): string {
  const rounded = Number(value.toPrecision(3));
  if (Math.abs(rounded) >= 10_000) return short(rounded);
  return rounded.toLocaleString('en-GB', { maximumSignificantDigits: 3 }).replace('-', '−');
}

/** Fixed margins: strips and cards line up whatever their marks say. */
export const FIXED = { outerBoundsMode: 'none' } as const;

export function axisLabel(palette: Palette) {
  return { color: palette.ink3, fontFamily: palette.font, fontSize: 11, hideOverlap: true };
}

export function valueAxis(palette: Palette, format: (value: number) => string) {
  return {
    type: 'value' as const,
    axisLine: { show: false },
    axisTick: { show: false },
    splitNumber: 4,
    splitLine: { lineStyle: { color: palette.line } },
    axisLabel: { ...axisLabel(palette), formatter: format },
  };
}

export function categoryAxis(palette: Palette, data: readonly string[], format: (value: string, index: number) => string) {
  return {
    type: 'category' as const,
    data,
    axisLine: { lineStyle: { color: palette.line } },
    axisTick: { show: false },
    axisLabel: { ...axisLabel(palette), formatter: format },
    axisPointer: { type: 'line' as const, lineStyle: { color: palette.ink3, width: 1, type: 'solid' as const }, label: { show: false } },
  };
}

/** Marks of a time axis: `5 Oct` for days, `5 Oct 14:00` for hours, `Oct 2026` for months. */
export function timeMark(time: string, grain: 'hour' | 'day' | 'month'): string {
  const date = new Date(millis(time));
  if (grain === 'month') return instantText(time, 'month');
  const day = dayText(date.toISOString().slice(0, 10), false);
  if (grain === 'day') return day;
  const hour = date.toISOString().slice(11, 16);
  return hour === '00:00' ? day : hour;
}
