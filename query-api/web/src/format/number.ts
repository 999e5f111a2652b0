/** Numbers for cards and charts: a unit, and at most three significant digits. */

import { type Kind, type Unit, unitFor } from './units';

export interface Shown {
  readonly value: string;
  readonly unit: string;
}

export const NOTHING: Shown = { value: '–', unit: '' };

const MINUS = '−';

/** At most three significant digits, thousands set apart, never in exponents. */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(3));
  const size = Math.abs(rounded);
  const places = size >= 100 ? 0 : Math.min(8, 2 - Math.floor(Math.log10(size)));
  const text = size.toLocaleString('en-GB', { minimumFractionDigits: places, maximumFractionDigits: places });
  return (rounded < 0 ? MINUS : '') + text;
}

/** Large sums of money and counts shorten to k, M, bn: `187k`, `1.87M`. */
export function short(value: number): string {
  const size = Math.abs(Number(value.toPrecision(3)));
  const steps: readonly [number, string][] = [
    [1e9, 'bn'],
    [1e6, 'M'],
    [1e4, 'k'],
  ];
  const step = steps.find(([least]) => size >= least);
  if (!step) return threeDigits(value);
  return threeDigits(value / (step[0] === 1e4 ? 1e3 : step[0])) + step[1];
}

export function show(kind: Kind, value: number | null, currency = ''): Shown {
  if (value === null) return NOTHING;
  return showIn(kind, unitFor(kind, value, currency), value);
}

/** In a given unit: all marks of an axis share one. */
export function showIn(kind: Kind, unit: Unit, value: number): Shown {
  const scaled = value / unit.size;
  const text = kind === 'money' || kind === 'count' ? short(scaled) : threeDigits(scaled);
  return { value: text, unit: kind === 'mass' ? `${unit.symbol} CO₂e` : unit.symbol };
}

/** In a table whose heading says CO₂e: `170 kg`. */
export function mass(value: number | null): string {
  if (value === null) return NOTHING.value;
  const unit = unitFor('mass', value);
  return `${threeDigits(value / unit.size)}\u202f${unit.symbol}`;
}

/** One text. Money and counts lead with nothing; the unit follows after a narrow space. */
export function text(shown: Shown): string {
  return shown.unit ? `${shown.value}\u202f${shown.unit}` : shown.value;
}

/** A range in one unit, that of its high end: `0.998 – 10.1 t`. */
export function range(kind: Kind, low: number | null, high: number | null): string | null {
  if (low === null || high === null) return null;
  const unit = unitFor(kind, high);
  return `${threeDigits(low / unit.size)}\u2009–\u2009${threeDigits(high / unit.size)}\u202f${unit.symbol}`;
}

/** Change against an earlier figure; null when there is nothing to compare with. */
export function change(now: number | null, before: number | null): number | null {
  if (now === null || before === null || before === 0) return null;
  return (now - before) / Math.abs(before);
}

/** `+4.2 %`; a change below a thousandth is `±0 %`. */
export function percentChange(share: number | null): string {
  if (share === null) return 'new';
  const percent = share * 100;
  if (Math.abs(percent) < 0.05) return '±0\u202f%';
  const size = Math.abs(percent);
  const body = size >= 1000 ? '>999' : size.toFixed(size >= 100 ? 0 : 1);
  return `${percent < 0 ? MINUS : '+'}${body}\u202f%`;
}

/** A share of a whole, never rounded up to 100 % or down to 0 % when it is neither. */
export function percent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return '–';
  if (share > 0 && share < 0.001) return '<0.1\u202f%';
  if (share < 1 && share > 0.999) return '>99.9\u202f%';
  return `${threeDigits(share * 100)}\u202f%`;
}
