/** Light, dark, or as the system says. */

export type Theme = 'auto' | 'light' | 'dark';
const KEY = 'airshed.theme';

function stored(): Theme {
  const value = document.documentElement.dataset.theme;
  return value === 'light' || value === 'dark' ? value : 'auto';
}

class Appearance {
  theme: Theme = $state(stored());
  private systemDark = $state(false);
  /** Paper is white: charts are drawn light while printing. */
  printing = $state(false);
  dark = $derived(!this.printing && (this.theme === 'dark' || (this.theme === 'auto' && this.systemDark)));

  constructor() {
    const system = matchMedia('(prefers-color-scheme: dark)');
    this.systemDark = system.matches;
    system.addEventListener('change', (event) => (this.systemDark = event.matches));
    const paper = matchMedia('print');
    paper.addEventListener('change', (event) => (this.printing = event.matches));
  }

  set(theme: Theme): void {
    this.theme = theme;
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (theme === 'auto') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // Storage is refused: the choice holds until the page is loaded again.
    }
  }
}

export const appearance = new Appearance();
