/** Talks to `/v1`: JSON in, JSON out, every failure a [`Problem`] with a title that can be shown. */

import type { ProblemBody } from './types';

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(`${title}: ${detail}`);
  }
}

/** Called when the session is over, whichever request found out. */
let onSignedOut: () => void = () => undefined;
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

async function problemOf(response: Response): Promise<Problem> {
  const type = response.headers.get('content-type') ?? '';
  if (type.includes('json')) {
    const body = (await response.json()) as Partial<ProblemBody>;
    return new Problem(response.status, body.title ?? `Error ${response.status}`, body.detail ?? '');
  }
  return new Problem(response.status, `Error ${response.status}`, response.statusText || 'The server gave no reason.');
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, credentials: 'same-origin' });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new Problem(0, 'The server cannot be reached', 'Check that `airshed serve` runs and that you are online.');
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401 && path !== '/v1/session') onSignedOut();
  throw problem;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, { headers: { accept: 'application/json' }, ...(signal ? { signal } : {}) });
  return (await response.json()) as T;
}

export async function post<T>(path: string, body: unknown, accept = 'application/json'): Promise<T> {
  const headers = { 'content-type': 'application/json', accept };
  const response = await send(path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (response.status === 204) return undefined as T;
  return (accept === 'application/json' ? await response.json() : await response.blob()) as T;
}

export async function remove(path: string): Promise<void> {
  await send(path, { method: 'DELETE' });
}

export async function getCsv(path: string): Promise<Blob> {
  const response = await send(path, { headers: { accept: 'text/csv' } });
  return response.blob();
}
