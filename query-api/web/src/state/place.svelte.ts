/** Where the reader is: the view of the current URL, and moving to another one. */

import { format, parse, type View } from './view';

class Place {
  view: View = $state.raw(parse(location.pathname, location.search));

  constructor() {
    addEventListener('popstate', () => this.read());
  }

  /** A new entry of the history: a page, a drill, a filter. */
  go(view: View): void {
    this.move(view, 'pushState');
  }

  /** Changes how the same thing is shown, without an entry of its own. */
  adjust(patch: Partial<View>): void {
    this.move({ ...this.view, ...patch }, 'replaceState');
  }

  /** The address of a view; what links carry, so that they open in a new tab too. */
  href(view: View): string {
    return format(view);
  }

  private move(view: View, how: 'pushState' | 'replaceState'): void {
    const pageChanged = view.page !== this.view.page;
    history[how](null, '', format(view));
    this.view = view;
    if (pageChanged) scrollTo(0, 0);
  }

  private read(): void {
    this.view = parse(location.pathname, location.search);
  }

  /** Follows plain clicks on links of our own without loading the page again. */
  follow = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/v1/') || /\.[a-z]+$/.test(link.pathname)) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    this.go(parse(link.pathname, link.search));
  };
}

export const place = new Place();
