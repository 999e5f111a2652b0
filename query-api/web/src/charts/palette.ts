/** Colours of charts, read from the style sheet, so that there is one place for them. */

const NAMES = {
  ink: '--ink',
  ink2: '--ink-2',
  ink3: '--ink-3',
  line: '--line',
  surface: '--surface',
  sunken: '--sunken',
  accent: '--accent',
  other: '--c-other',
  energy: '--c-energy',
  cost: '--c-cost',
  up: '--up',
  down: '--down',
} as const;

export interface Palette extends Record<keyof typeof NAMES, string> {
  readonly series: readonly string[];
  readonly heat: readonly string[];
  readonly cool: readonly string[];
  readonly font: string;
}

/** Resolves the tokens as they hold at an element; `light-dark()` is resolved by the browser. */
export function paletteAt(element: HTMLElement): Palette {
  const probe = document.createElement('span');
  probe.hidden = true;
  element.append(probe);
  const resolve = (token: string) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const ramp = (name: string, count: number) => Array.from({ length: count }, (_, index) => resolve(`--${name}${index + 1}`));
  const named = Object.fromEntries(Object.entries(NAMES).map(([key, token]) => [key, resolve(token)]));
  const palette: Palette = {
    ...(named as Record<keyof typeof NAMES, string>),
    series: ramp('c', 8),
    heat: ramp('heat-', 5),
    cool: ramp('cool-', 5),
    font: getComputedStyle(element).fontFamily,
  };
  probe.remove();
  return palette;
}
