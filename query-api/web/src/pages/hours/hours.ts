/**
 * Hours of intensity and load, folded into weeks and days.
 *
 * An intensity over several hours is their emissions divided by their energy, not the mean of their intensities.
 */

import type { IntensityRow } from '../../api/types';
import { toNumber } from '../../format/decimal';
import { dayOf, millis } from '../../format/time';

export interface Hour {
  readonly ms: number;
  readonly kwh: number;
  readonly grams: number;
}

export type Heat = 'intensity' | 'load' | 'co2e';

const HOUR_MS = 3_600_000;
export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Hours of all regions together, moved by an offset so that UTC getters read local time. */
export function hoursOf(rows: readonly IntensityRow[], offsetAt: (ms: number) => number): Hour[] {
  const sums = new Map<number, { kwh: number; grams: number }>();
  for (const row of rows) {
    const ms = millis(row.time);
    const sum = sums.get(ms) ?? { kwh: 0, grams: 0 };
    sum.kwh += toNumber(row.energy_kwh) ?? 0;
    sum.grams += toNumber(row.co2e_location_g) ?? 0;
    sums.set(ms, sum);
  }
  return [...sums].sort(([a], [b]) => a - b).map(([ms, sum]) => ({ ms: ms + offsetAt(ms) * HOUR_MS, ...sum }));
}

export interface Folded {
  readonly x: number;
  readonly y: number;
  readonly kwh: number;
  readonly grams: number;
  readonly hours: number;
}

function fold(hours: readonly Hour[], rowOf: (date: Date) => number): Folded[] {
  const cells = new Map<string, { x: number; y: number; kwh: number; grams: number; hours: number }>();
  for (const hour of hours) {
    const date = new Date(hour.ms);
    const [x, y] = [date.getUTCHours(), rowOf(date)];
    const cell = cells.get(`${x}|${y}`) ?? { x, y, kwh: 0, grams: 0, hours: 0 };
    cell.kwh += hour.kwh;
    cell.grams += hour.grams;
    cell.hours += 1;
    cells.set(`${x}|${y}`, cell);
  }
  return [...cells.values()].sort((a, b) => a.y - b.y || a.x - b.x);
}

/** 24 hours x 7 days; Monday first. */
export function weekOf(hours: readonly Hour[]): Folded[] {
  return fold(hours, (date) => (date.getUTCDay() + 6) % 7);
}

export function daysOf(hours: readonly Hour[]): { days: string[]; cells: Folded[] } {
  const days = [...new Set(hours.map((hour) => dayOf(hour.ms)))].sort();
  const place = new Map(days.map((day, index) => [day, index]));
  return { days, cells: fold(hours, (date) => place.get(dayOf(date.getTime())) ?? 0) };
}

/** Figure of a cell: g/kWh, mean kWh an hour, or mean g an hour. */
export function figure(cell: Folded, heat: Heat): number | null {
  if (heat === 'intensity') return cell.kwh > 0 ? cell.grams / cell.kwh : null;
  return (heat === 'load' ? cell.kwh : cell.grams) / cell.hours;
}

export interface Timing {
  /** Mean intensity as used, and as it would be with an even load. */
  readonly used: number;
  readonly even: number;
  /** Share of energy used in the cleanest and in the dirtiest third of the hours. */
  readonly cleanest: number;
  readonly dirtiest: number;
  /** One figure for all hours: the factors are of the year. */
  readonly flat: boolean;
}

/** How well the load sits in the clean hours. Null without hours that have both figures. */
export function timing(hours: readonly Hour[]): Timing | null {
  const known = hours.filter((hour) => hour.kwh > 0).map((hour) => ({ ...hour, intensity: hour.grams / hour.kwh }));
  if (known.length < 3) return null;
  const kwh = known.reduce((sum, hour) => sum + hour.kwh, 0);
  const grams = known.reduce((sum, hour) => sum + hour.grams, 0);
  const sorted = [...known].sort((a, b) => a.intensity - b.intensity);
  const third = Math.floor(sorted.length / 3);
  const share = (part: typeof sorted) => part.reduce((sum, hour) => sum + hour.kwh, 0) / kwh;
  const [first, last] = [sorted[0]?.intensity ?? 0, sorted[sorted.length - 1]?.intensity ?? 0];
  return {
    used: grams / kwh,
    even: known.reduce((sum, hour) => sum + hour.intensity, 0) / known.length,
    cleanest: share(sorted.slice(0, third)),
    dirtiest: share(sorted.slice(-third)),
    flat: last - first < last * 1e-4,
  };
}
