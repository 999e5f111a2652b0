/**
 * What a page shows, as the URL says it: `/explore?from=2026-10-01&to=2026-11-01&group_by=tag.team`.
 *
 * Every choice that changes what is on screen is here, so that a link shows a colleague the same thing. Defaults are
 * left out of the URL. Filter names are those of the API.
 */

import type { Basis } from '../format/measures';
import { isDay } from '../format/time';

export const PAGES = ['overview', 'explore', 'hours', 'regions', 'quality', 'about', 'sql', 'signin'] as const;
export type Page = (typeof PAGES)[number];

export const FILTER_DIMENSIONS = [
  'account_id',
  'service_code',
  'region',
  'usage_family',
  'instance_type',
  'provider',
  'currency',
] as const;

export interface Filter {
  /** A dimension, or `tag.KEY`. An empty value means: without the tag. */
  readonly dimension: string;
  readonly value: string;
}

/** Choices of single pages, with what holds when the URL does not say. */
const CHOICES = {
  group_by: 'account_id',
  measure: 'co2e',
  grain: 'auto',
  shape: 'area',
  order: '',
  series: 'co2e,energy,cost',
  movers: 'service_code',
  heat: '',
  zone: 'utc',
  home: '',
  resource: '',
  line: '',
  line_period: '',
  q: '',
  next: '',
} as const;
export type Choice = keyof typeof CHOICES;

export interface View extends Record<Choice, string> {
  readonly page: Page | 'missing';
  readonly from: string | null;
  readonly to: string | null;
  readonly filters: readonly Filter[];
  readonly as_of: string | null;
  readonly basis: Basis;
  /** Currency of the costs shown; the ledger never adds up two. */
  readonly cost_in: string | null;
}

export function isFilter(name: string): boolean {
  return name.startsWith('tag.') ? name.length > 4 : (FILTER_DIMENSIONS as readonly string[]).includes(name);
}

export function parse(path: string, search: string): View {
  const params = new URLSearchParams(search);
  const name = path.replace(/^\/+|\/+$/g, '') || 'overview';
  const page = PAGES.find((known) => known === name) ?? 'missing';
  const day = (key: string) => {
    const value = params.get(key);
    return value && isDay(value) ? value : null;
  };
  const [from, to] = [day('from'), day('to')];
  const ordered = from !== null && to !== null && from < to;
  const choices = Object.fromEntries(Object.entries(CHOICES).map(([key, held]) => [key, params.get(key) ?? held]));
  return {
    ...(choices as Record<Choice, string>),
    page,
    from: ordered ? from : null,
    to: ordered ? to : null,
    filters: [...params].filter(([key]) => isFilter(key)).map(([dimension, value]) => ({ dimension, value })),
    as_of: params.get('as_of'),
    basis: params.get('basis') === 'market' ? 'market' : 'location',
    cost_in: params.get('cost_in'),
  };
}

export function format(view: View): string {
  const params = new URLSearchParams();
  if (view.from && view.to) {
    params.set('from', view.from);
    params.set('to', view.to);
  }
  for (const { dimension, value } of view.filters) params.append(dimension, value);
  if (view.as_of) params.set('as_of', view.as_of);
  if (view.basis !== 'location') params.set('basis', view.basis);
  if (view.cost_in) params.set('cost_in', view.cost_in);
  for (const [key, held] of Object.entries(CHOICES)) {
    const value = view[key as Choice];
    if (value !== held) params.set(key, value);
  }
  const search = params.toString();
  const path = view.page === 'overview' || view.page === 'missing' ? '/' : `/${view.page}`;
  return search ? `${path}?${search}` : path;
}

/** Another page with what is common to all: time, filters, run, basis, currency. */
export function toPage(view: View, page: Page, choices: Partial<Record<Choice, string>> = {}): View {
  return { ...view, ...CHOICES, ...choices, page };
}

export function withFilter(view: View, dimension: string, value: string): View {
  const there = view.filters.some((filter) => filter.dimension === dimension && filter.value === value);
  return there ? view : { ...view, filters: [...view.filters, { dimension, value }] };
}

export function withoutFilter(view: View, gone: Filter): View {
  const stays = (filter: Filter) => filter.dimension !== gone.dimension || filter.value !== gone.value;
  return { ...view, filters: view.filters.filter(stays) };
}
