/** Which unit a figure is shown in. One rule: the largest unit in which the figure is at least 1. */

export type Kind = 'mass' | 'energy' | 'water' | 'intensity' | 'money' | 'count' | 'share';

export interface Unit {
  readonly symbol: string;
  /** How many of the ledger's unit make one of this. */
  readonly size: number;
}

/** From large to small; the ledger's own unit has size 1. */
const LADDERS: Record<'mass' | 'energy' | 'water', readonly Unit[]> = {
  mass: [
    { symbol: 'kt', size: 1e9 },
    { symbol: 't', size: 1e6 },
    { symbol: 'kg', size: 1e3 },
    { symbol: 'g', size: 1 },
    { symbol: 'mg', size: 1e-3 },
  ],
  energy: [
    { symbol: 'GWh', size: 1e6 },
    { symbol: 'MWh', size: 1e3 },
    { symbol: 'kWh', size: 1 },
    { symbol: 'Wh', size: 1e-3 },
  ],
  water: [
    { symbol: 'm³', size: 1e3 },
    { symbol: 'L', size: 1 },
    { symbol: 'mL', size: 1e-3 },
  ],
};

/** The unit for a figure, or for an axis whose largest figure it is. */
export function unitFor(kind: Kind, largest: number, currency = ''): Unit {
  switch (kind) {
    case 'mass':
    case 'energy':
    case 'water': {
      const ladder = LADDERS[kind];
      const size = Math.abs(largest);
      // Rounding to three digits may carry a figure over the edge: 999.6 g is 1.00 kg.
      const found = ladder.find((unit) => Number((size / unit.size).toPrecision(3)) >= 1);
      if (found) return found;
      const base = ladder.find((unit) => unit.size === 1);
      const smallest = ladder[ladder.length - 1];
      return (size === 0 ? base : smallest) ?? { symbol: '', size: 1 };
    }
    case 'intensity':
      return { symbol: 'g/kWh', size: 1 };
    case 'money':
      return { symbol: currency, size: 1 };
    case 'share':
      return { symbol: '%', size: 0.01 };
    case 'count':
      return { symbol: '', size: 1 };
  }
}
