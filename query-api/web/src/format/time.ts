/** Days and hours, all UTC, as the ledger keeps them. */

const DAY_MS = 86_400_000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `2026-10`, `2026-10-01` or an instant, as milliseconds; instants without a zone are UTC. */
export function millis(time: string): number {
  if (time.length === 7) return Date.parse(`${time}-01T00:00:00Z`);
  if (time.length === 10) return Date.parse(`${time}T00:00:00Z`);
  const instant = time.replace(' ', 'T');
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(instant) ? instant : `${instant}Z`);
}

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export function addDays(day: string, count: number): string {
  return dayOf(millis(day) + count * DAY_MS);
}

export function daysBetween(from: string, to: string): number {
  return Math.round((millis(to) - millis(from)) / DAY_MS);
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && dayOf(millis(text)) === text;
}

/** Sorted times of a grain with those between them that are missing, so that a chart does not close up over them. */
export function withoutGaps(times: readonly string[], grain: 'hour' | 'day' | 'month'): string[] {
  const there = new Map(times.map((time) => [millis(time), time]));
  const [first, last] = [times[0], times[times.length - 1]];
  const all: string[] = [];
  if (first === undefined || last === undefined) return all;
  for (let ms = millis(first); ms <= millis(last); ms = after(ms, grain)) {
    all.push(there.get(ms) ?? new Date(ms).toISOString().replace('.000Z', 'Z'));
  }
  return all;
}

function after(ms: number, grain: 'hour' | 'day' | 'month'): number {
  if (grain === 'month') return Date.UTC(new Date(ms).getUTCFullYear(), new Date(ms).getUTCMonth() + 1, 1);
  return ms + (grain === 'hour' ? DAY_MS / 24 : DAY_MS);
}

/** First days of the month of a day, and of the month after. */
export function monthOf(day: string): { from: string; to: string } {
  const [year = 0, month = 1] = day.split('-').map(Number);
  return { from: dayOf(Date.UTC(year, month - 1, 1)), to: dayOf(Date.UTC(year, month, 1)) };
}

/** The same length of time right before. */
export function before(from: string, to: string): { from: string; to: string } {
  return { from: addDays(from, -daysBetween(from, to)), to: from };
}

/** `5 Oct 2026`. */
export function dayText(day: string, year = true): string {
  const date = new Date(millis(day));
  const text = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  return year ? `${text} ${date.getUTCFullYear()}` : text;
}

/** Days from `from` to the day before `to`: `October 2026` shortens to `Oct 2026`, else `1 – 14 Oct 2026`. */
export function spanText(from: string, to: string): string {
  const last = addDays(to, -1);
  const month = monthOf(from);
  if (month.from === from && month.to === to) return `${MONTHS[new Date(millis(from)).getUTCMonth()]} ${from.slice(0, 4)}`;
  if (from === last) return dayText(from);
  if (from.slice(0, 7) === last.slice(0, 7)) return `${Number(from.slice(8))} – ${dayText(last)}`;
  return `${dayText(from, from.slice(0, 4) !== last.slice(0, 4))} – ${dayText(last)}`;
}

/** `5 Oct 2026, 14:00` in UTC. */
export function instantText(time: string, grain: 'hour' | 'day' | 'month' = 'hour'): string {
  const date = new Date(millis(time));
  if (Number.isNaN(date.getTime())) return time;
  if (grain === 'month') return `${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  const day = dayText(date.toISOString().slice(0, 10));
  return grain === 'day' ? day : `${day}, ${date.toISOString().slice(11, 16)}`;
}
