/** What the API is asked for a view: the common parameters, spelled as `/v1` spells them. */

import type { View } from '../state/view';
import type { Measures } from './types';

export interface Span {
  readonly from: string;
  readonly to: string;
}

/** A path of the API with the view's time, filters and run, and the parameters of the page. */
export function path(
  endpoint: string,
  view: Pick<View, 'filters' | 'as_of'>,
  span: Span | null,
  params: Record<string, string | number | null | undefined> = {},
): string {
  const query = new URLSearchParams();
  if (span) {
    query.set('from', span.from);
    query.set('to', span.to);
  }
  for (const { dimension, value } of view.filters) query.append(dimension, value);
  for (const [key, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') query.set(key, String(value));
  }
  if (view.as_of) query.set('as_of', view.as_of);
  const search = query.toString();
  return `/v1/${endpoint}${search ? `?${search}` : ''}`;
}

/** The parameter that names the measures of an answer: what is not shown need not be read. */
export function only(...measures: (keyof Measures)[]): { measures: string } {
  return { measures: [...new Set(measures)].join(',') };
}

/** The statement for the clipboard: says where it is from, so that a pasted query can be traced back. */
export function sqlForClipboard(sql: string, page: string, asOf: string | null): string {
  const body = sql.trim().replace(/;*$/, '');
  const run = asOf ? `-- as of ${oneLine(asOf)}; connect with the same run to get the same figures\n` : '';
  return `-- Airshed ${oneLine(page)}\n${run}${body};\n`;
}

/** A line end in a comment would let what follows run as SQL. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\u0085\u2028\u2029]+/g, ' ');
}

/** `airshed-emissions-2026-10-01-2026-11-01.csv`. */
export function fileName(what: string, span: Span | null, extension: string): string {
  const safe = what.replace(/[^a-z0-9]+/gi, '-').toLowerCase();
  return `airshed-${safe}${span ? `-${span.from}-${span.to}` : ''}.${extension}`;
}
