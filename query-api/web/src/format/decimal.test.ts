import { describe, expect, it } from 'vitest';
import { difference, digits, exact, sum } from './decimal';

describe('exact decimals', () => {
  it('adds what floats do not', () => {
    expect(sum(['0.1', '0.2'])).toBe('0.3');
    expect(sum(Array.from({ length: 10 }, () => '27.38179806'))).toBe('273.8179806');
    expect(sum(['99999999999999999999999999.00000001', '0.000000000001'])).toBe('99999999999999999999999999.000000010001');
  });
  it('keeps nothing apart from zero', () => {
    expect(sum([null, undefined])).toBeNull();
    expect(sum([null, '0.00'])).toBe('0');
    expect(difference('1.5', null)).toBe('1.5');
    expect(difference(null, null)).toBeNull();
  });
  it('handles credits', () => {
    expect(sum(['-9408.1', '9408.1'])).toBe('0');
    expect(difference('1', '2.25')).toBe('-1.25');
  });
  it('refuses what is not a decimal of the ledger', () => {
    expect(() => sum(['1e5'])).toThrow(RangeError);
    expect(() => sum(['0.0000000000001'])).toThrow(RangeError);
  });
  it('splits digits for reading without losing any', () => {
    expect(digits('3337277.67024514', 2)).toEqual({ head: '3,337,277.67', tail: '024514' });
    expect(digits('41177.857872349600', 2)).toEqual({ head: '41,177.85', tail: '78723496' });
    expect(digits('-5', 2)).toEqual({ head: '−5.00', tail: '' });
    expect(exact('1234567.50000000')).toBe('1,234,567.5');
    expect(exact('1000')).toBe('1,000');
    expect(exact(null)).toBe('–');
  });
});
