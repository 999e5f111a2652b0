/** The way down in Explore: account, service, resource, line. Each step adds a filter and groups by the next. */

import { type View, withFilter } from './view';

/** What to group by after one has been picked. Dimensions that are not here go to the account. */
const NEXT: Record<string, string> = {
  provider: 'account_id',
  account_id: 'service_code',
  region: 'account_id',
  usage_family: 'resource_id',
  instance_type: 'resource_id',
  service_code: 'resource_id',
};

export function drill(view: View, dimension: string, value: string): View {
  if (dimension === 'resource_id') return { ...view, resource: value, order: '' };
  const filtered = withFilter(view, dimension, value);
  let next = NEXT[dimension] ?? 'account_id';
  // A dimension that is fixed already would give one row: go on to the next.
  const fixed = (name: string) => filtered.filters.some((filter) => filter.dimension === name);
  while (next !== 'resource_id' && fixed(next)) next = NEXT[next] ?? 'resource_id';
  return { ...filtered, group_by: next, order: '', resource: '' };
}

export interface Crumb {
  readonly label: string;
  readonly view: View;
}

/** The steps taken so far; each leads back to where it was taken. */
export function crumbs(view: View, label: (dimension: string, value: string) => string): Crumb[] {
  const trail: Crumb[] = [{ label: 'Everything', view: { ...view, filters: [], group_by: 'account_id', resource: '', order: '' } }];
  view.filters.forEach((filter, index) => {
    const filters = view.filters.slice(0, index + 1);
    const cut: View = { ...view, filters, resource: '', order: '' };
    const last = index === view.filters.length - 1;
    const group = last && view.group_by !== 'resource_id' ? view.group_by : nextOf(filter.dimension, cut);
    trail.push({ label: label(filter.dimension, filter.value), view: { ...cut, group_by: group } });
  });
  if (view.resource) trail.push({ label: view.resource, view });
  return trail;
}

function nextOf(dimension: string, view: View): string {
  return drill({ ...view, filters: view.filters.slice(0, -1) }, dimension, '').group_by;
}
