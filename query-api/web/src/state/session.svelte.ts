/** Who is signed in, what the ledger holds, and when it changed. */

import { get, Problem, remove, whenSignedOut } from '../api/client';
import type { Meta } from '../api/types';
import { path } from '../api/request';
import { place } from './place.svelte';
import { toPage } from './view';

class Session {
  meta: Meta | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  /** Grows by one whenever new runs became current; queries watch it. */
  revision = $state(0);
  /** When the last new data came, for the quiet note. */
  refreshedAt: Date | null = $state.raw(null);
  private events: EventSource | null = null;

  constructor() {
    whenSignedOut(() => this.toSignIn());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.unlisten();
      else if (this.meta) {
        this.listen();
        void this.check();
      }
    });
  }

  async load(): Promise<void> {
    this.problem = null;
    const asOf = place.view.as_of;
    // Days and currencies of another state of the ledger must not go into a request.
    if (this.meta && this.meta.as_of !== asOf) this.meta = null;
    try {
      this.meta = await get<Meta>(path('meta', { filters: [], as_of: asOf }, null));
      this.listen();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return;
      this.problem = error instanceof Problem ? error : new Problem(0, 'The ledger could not be read', String(error));
    }
  }

  async signOut(): Promise<void> {
    try {
      await remove('/v1/session');
    } finally {
      this.toSignIn();
    }
  }

  private toSignIn(): void {
    this.meta = null;
    this.unlisten();
    if (place.view.page === 'signin') return;
    const next = place.href(place.view);
    place.go(toPage(place.view, 'signin', next === '/' ? {} : { next }));
  }

  /** Only while the page is looked at: a browser has six connections to a server over HTTP/1.1, for all of its tabs. */
  private listen(): void {
    if (this.events || document.hidden) return;
    this.events = new EventSource('/v1/events');
    this.events.addEventListener('revision', (event) => {
      // A stream that is opened again may repeat what is known.
      if (event.data !== this.meta?.revision) void this.check();
    });
  }

  private unlisten(): void {
    this.events?.close();
    this.events = null;
  }

  /** Asks whether the ledger has moved; while no one looked, nothing was listened to. A pinned run does not move. */
  private async check(): Promise<void> {
    if (!this.meta || place.view.as_of) return;
    let meta: Meta;
    try {
      meta = await get<Meta>('/v1/meta');
    } catch (error) {
      // What is on screen stays as it is; the next request will say what is wrong.
      if (error instanceof Problem) return;
      throw error;
    }
    if (meta.revision === this.meta?.revision) return;
    this.meta = meta;
    this.revision += 1;
    this.refreshedAt = new Date();
  }
}

export const session = new Session();
