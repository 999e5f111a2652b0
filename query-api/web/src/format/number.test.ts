import { describe, expect, it } from 'vitest';
import { change, percent, percentChange, range, short, show, showIn, text, threeDigits } from './number';
import { unitFor } from './units';

describe('three significant digits', () => {
  it.each([
    [0, '0'],
    [1234.5, '1,230'],
    [999.6, '1,000'],
    [99.96, '100'],
    [27.38179806, '27.4'],
    [3.0, '3.00'],
    [0.012345, '0.0123'],
    [-4.256, '−4.26'],
    [Number.NaN, '–'],
  ])('%f is %s', (value, shown) => expect(threeDigits(value)).toBe(shown));
});

describe('units', () => {
  it.each([
    [3337277.67, '3.34', 't CO₂e'],
    [999_600, '1.00', 't CO₂e'],
    [999_400, '999', 'kg CO₂e'],
    [27.38, '27.4', 'g CO₂e'],
    [0.5, '500', 'mg CO₂e'],
    [0, '0', 'g CO₂e'],
    [2.5e9, '2.50', 'kt CO₂e'],
  ])('%f g is %s %s', (grams, value, unit) => expect(show('mass', grams)).toEqual({ value, unit }));

  it('shows energy, water, money', () => {
    expect(text(show('energy', 12917.37772297))).toBe('12.9\u202fMWh');
    expect(text(show('water', 25_400))).toBe('25.4\u202fm³');
    expect(text(show('money', 187_432.5, 'USD'))).toBe('187k\u202fUSD');
    expect(text(show('mass', null))).toBe('–');
  });
  it('keeps one unit along an axis', () => {
    const unit = unitFor('mass', 150_000);
    expect(text(showIn('mass', unit, 150_000))).toBe('150\u202fkg CO₂e');
    expect(text(showIn('mass', unit, 500))).toBe('0.500\u202fkg CO₂e');
  });
  it('states a range in one unit', () => {
    expect(range('mass', 998_000, 10_100_000)).toBe('0.998\u2009–\u200910.1\u202ft');
    expect(range('mass', null, 5)).toBeNull();
  });
});

describe('money and shares', () => {
  it.each([
    [9999, '10.0k'],
    [9990, '9,990'],
    [187432, '187k'],
    [1_870_000, '1.87M'],
    [999_600, '1.00M'],
    [-12_345, '−12.3k'],
  ])('%d shortens to %s', (value, shown) => expect(short(value)).toBe(shown));
  it('compares', () => {
    expect(percentChange(change(104.2, 100))).toBe('+4.2\u202f%');
    expect(percentChange(change(50, 100))).toBe('−50.0\u202f%');
    expect(percentChange(change(1, 0))).toBe('new');
    expect(percentChange(0.0001)).toBe('±0\u202f%');
    expect(change(-50, -100)).toBe(0.5);
  });
  it('never rounds a gap away', () => {
    expect(percent(0.9999)).toBe('>99.9\u202f%');
    expect(percent(0.0001)).toBe('<0.1\u202f%');
    expect(percent(1)).toBe('100\u202f%');
    expect(percent(0.9532)).toBe('95.3\u202f%');
  });
});
