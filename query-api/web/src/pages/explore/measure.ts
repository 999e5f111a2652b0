/** What Explore measures; `co2e` follows the accounting basis. */

import { only } from '../../api/request';
import { co2eOf, isMeasure, type Measure, measureOf, readFor } from '../../format/measures';
import type { View } from '../../state/view';

export const CHOICES = ['co2e', 'energy_kwh', 'billed_cost', 'effective_cost', 'co2e_embodied_g', 'co2e_upstream_g', 'co2e_t_and_d_g', 'water_l'] as const;

export function measureFor(view: View): Measure {
  return isMeasure(view.measure) ? measureOf(view.measure) : co2eOf(view.basis);
}

/** What the table of groups shows. */
export function columnsFor(view: View): { measures: string } {
  return only(measureFor(view).key, ...readFor(co2eOf(view.basis)), 'energy_kwh', 'billed_cost', 'lines');
}
