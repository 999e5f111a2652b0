/**
 * What hovers beside the pointer.
 *
 * Built of elements, not of markup: the content security policy refuses style attributes in markup, and names from bills
 * are never read as HTML.
 */

export interface Entry {
  readonly color?: string;
  readonly label: string;
  readonly value: string;
  readonly exact?: string;
}

export function tooltip(title: string, entries: readonly Entry[], note = ''): HTMLElement {
  const box = document.createElement('div');
  box.className = 'chart-tip';
  append(box, 'p', 'chart-tip-title', title);
  const table = append(box, 'div', 'chart-tip-rows', '');
  for (const entry of entries) {
    const label = append(table, 'span', 'chart-tip-label', '');
    if (entry.color) {
      const swatch = append(label, 'i', '', '');
      swatch.style.background = entry.color;
    }
    label.append(entry.label);
    append(table, 'span', 'chart-tip-value', entry.value);
    append(table, 'span', 'chart-tip-exact', entry.exact ?? '');
  }
  if (note) append(box, 'p', 'chart-tip-note', note);
  return box;
}

function append(parent: HTMLElement, tag: string, className: string, text: string): HTMLElement {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
}
