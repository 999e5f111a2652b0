/**
 * Exact sums of the API's decimals.
 *
 * Quantities and costs arrive as decimal strings. A float is made of one only to draw it; what a table shows as a sum
 * is added here in whole steps of 1e-12, so that it equals the sum that SQL gives.
 */

const SCALE = 12;
const PATTERN = /^(-?)(\d+)(?:\.(\d+))?$/;

export type Decimal = string;

/** Steps of 1e-12; throws on text that is no decimal of at most 12 places. */
function steps(text: Decimal): bigint {
  const match = PATTERN.exec(text);
  const rest = match?.[3] ?? '';
  if (!match || rest.length > SCALE) throw new RangeError(`not a decimal of the ledger: ${text}`);
  const size = BigInt(match[2] + rest.padEnd(SCALE, '0'));
  return match[1] === '-' ? -size : size;
}

function text(value: bigint): Decimal {
  const digits = (value < 0n ? -value : value).toString().padStart(SCALE + 1, '0');
  const rest = digits.slice(-SCALE).replace(/0+$/, '');
  const whole = digits.slice(0, -SCALE);
  return (value < 0n ? '-' : '') + whole + (rest ? `.${rest}` : '');
}

/** The sum of what is there; null when nothing is. */
export function sum(values: Iterable<Decimal | null | undefined>): Decimal | null {
  let total: bigint | null = null;
  for (const value of values) if (value != null) total = (total ?? 0n) + steps(value);
  return total === null ? null : text(total);
}

export function difference(a: Decimal | null | undefined, b: Decimal | null | undefined): Decimal | null {
  return a == null && b == null ? null : text(steps(a ?? '0') - steps(b ?? '0'));
}

/** For drawing and for ratios only. */
export function toNumber(value: Decimal | number | null | undefined): number | null {
  if (value == null) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** Digits as a reader takes them in: `head` carries the thousands and the first places, `tail` the rest. */
export function digits(value: Decimal, places: number): { head: string; tail: string } {
  const match = PATTERN.exec(value);
  if (!match) return { head: value, tail: '' };
  const whole = (match[2] ?? '0').replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  const rest = match[3] ?? '';
  const shown = rest.slice(0, places).padEnd(places, '0');
  const sign = match[1] === '-' ? '−' : '';
  return { head: sign + whole + (places > 0 ? `.${shown}` : ''), tail: rest.slice(places).replace(/0+$/, '') };
}

/** All digits, thousands set apart. */
export function exact(value: Decimal | null | undefined): string {
  if (value == null) return '–';
  const { head, tail } = digits(value, 0);
  const rest = tail.replace(/0+$/, '');
  return rest ? `${head}.${rest}` : head;
}
