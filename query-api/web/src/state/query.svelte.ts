/** One request that follows the view: asked again when its path or the ledger's revision changes. */

import { get, Problem } from '../api/client';
import { session } from './session.svelte';

export class Query<T> {
  data: T | undefined = $state.raw();
  problem: Problem | null = $state.raw(null);
  /** True while anything is under way; with `data` still there, the old answer is being replaced. */
  busy = $state(true);
  private attempt = $state(0);

  constructor(path: () => string | null) {
    // A derived value, so that a view change that leaves the path alone asks nothing.
    const wanted = $derived(path());
    let shape = '';
    $effect(() => {
      void this.attempt;
      void session.revision;
      const asked = wanted;
      if (asked === null) return;
      // An answer about other things must not stand under the new headings while the next is under way.
      const next = shapeOf(asked);
      if (next !== shape) this.data = undefined;
      shape = next;
      const abort = new AbortController();
      void this.load(asked, abort.signal);
      return () => abort.abort();
    });
  }

  retry = (): void => {
    this.attempt += 1;
  };

  private async load(path: string, signal: AbortSignal): Promise<void> {
    this.busy = true;
    this.problem = null;
    try {
      const data = await get<T>(path, signal);
      if (signal.aborted) return;
      this.data = data;
    } catch (error) {
      if (signal.aborted) return;
      this.problem = error instanceof Problem ? error : new Problem(0, 'The answer could not be read', String(error));
      this.data = undefined;
    }
    this.busy = false;
  }
}

/** Endpoint and grouping: what decides the columns of an answer. */
function shapeOf(path: string): string {
  const [endpoint = '', search = ''] = path.split('?');
  const params = new URLSearchParams(search);
  return ['group_by', 'by', 'grain', 'resource_id'].map((key) => params.get(key) ?? '').join('|') + endpoint;
}

/** Called while a component is set up. */
export function query<T>(path: () => string | null): Query<T> {
  return new Query<T>(path);
}
