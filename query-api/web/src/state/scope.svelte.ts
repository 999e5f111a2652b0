/** What the view means for this ledger: the span of days, the currency of costs, the names of things. */

import type { Span } from '../api/request';
import type { Meta } from '../api/types';
import { valueName } from '../format/names';
import { addDays, before, daysBetween, monthOf } from '../format/time';
import { place } from './place.svelte';
import { session } from './session.svelte';

export type Grain = 'hour' | 'day' | 'month';

/** Without a span in the URL: the newest month, up to the last day that has lines. */
export function defaultSpan(meta: Meta): Span | null {
  if (!meta.last_day || !meta.first_day) return null;
  const month = monthOf(meta.last_day);
  const from = month.from < meta.first_day ? meta.first_day : month.from;
  return { from, to: addDays(meta.last_day, 1) };
}

class Scope {
  span: Span | null = $derived.by(() => {
    const { from, to } = place.view;
    if (from && to) return { from, to };
    return session.meta ? defaultSpan(session.meta) : null;
  });

  previous: Span | null = $derived(this.span ? before(this.span.from, this.span.to) : null);

  currency: string | null = $derived.by(() => {
    const there = session.meta?.currencies ?? [];
    const wanted = place.view.cost_in;
    return wanted && there.includes(wanted) ? wanted : (there[0] ?? null);
  });

  grain: Grain = $derived.by(() => {
    const wanted = place.view.grain;
    if (wanted === 'hour' || wanted === 'day' || wanted === 'month') return wanted;
    const days = this.span ? daysBetween(this.span.from, this.span.to) : 0;
    return days <= 4 ? 'hour' : days <= 120 ? 'day' : 'month';
  });

  /** A value of a dimension by the name that it has here: an account by its own, where one was collected. */
  nameOf = (dimension: string, value: unknown): string => valueName(dimension, value, session.meta?.account_names);
}

export const scope = new Scope();
