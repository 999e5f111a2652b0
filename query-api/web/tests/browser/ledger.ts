/** What the tests share: signing in, what the browser complained of, and figures from the API to compare with. */

import { type APIRequestContext, test as base, expect, type Page } from '@playwright/test';

export const TOKEN = process.env.AIRSHED_TOKEN ?? 'mock-token';
export const PAGES = ['/', '/explore', '/hours', '/regions', '/quality', '/about', '/sql'] as const;

/** A page that is signed in, and that fails its test on a console error, an exception or a CSP violation. */
export const test = base.extend<{ complaints: string[]; ledger: Page }>({
  complaints: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on('console', (message) => {
      // A 401 on purpose is reported by the browser as an error of the network; the tests look at it themselves.
      if (message.type() === 'error' && !/status of 401/.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP: ${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`);
      });
    });
    await use(complaints);
    expect(complaints, 'console errors and CSP violations').toEqual([]);
  },
  ledger: async ({ page, complaints }, use) => {
    void complaints;
    const response = await page.request.post('/v1/session', { data: { token: TOKEN } });
    expect(response.status(), 'signing in').toBe(204);
    await use(page);
  },
});

export async function get<T>(request: APIRequestContext, path: string): Promise<T> {
  const response = await request.get(path);
  expect(response.ok(), `${path}: ${response.status()}`).toBe(true);
  return (await response.json()) as T;
}

export interface Span {
  from: string;
  to: string;
}

/** The days that the dashboard shows without a choice: the newest month, up to the last day with lines. */
export async function newestMonth(request: APIRequestContext): Promise<Span> {
  const { first_day, last_day } = await get<{ first_day: string; last_day: string }>(request, '/v1/meta');
  const month = `${last_day.slice(0, 7)}-01`;
  const after = new Date(Date.parse(`${last_day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  return { from: month < first_day ? first_day : month, to: after };
}

/** An account as the dashboard names it: `storefront (339455691878)`, or the id where no account was collected. */
export async function accountName(request: APIRequestContext, id: string): Promise<string> {
  const { account_names } = await get<{ account_names: Record<string, string> }>(request, '/v1/meta');
  return account_names[id] ? `${account_names[id]} (${id})` : id;
}

/** Exact sum of decimals, written without the zeros at its end. */
export function sum(values: readonly (string | null)[]): string {
  const PLACES = 12;
  const steps = values
    .filter((value): value is string => value !== null)
    .map((value) => {
      const [whole = '0', rest = ''] = value.split('.');
      return BigInt(whole + rest.padEnd(PLACES, '0'));
    });
  const digits = steps.reduce((a, b) => a + b, 0n).toString().padStart(PLACES + 1, '0');
  return plain(`${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`);
}

export function plain(value: string): string {
  const text = value.replaceAll(',', '').replace('−', '-').trim();
  return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
}

/** Nothing is under way any more: neither places of things to come nor figures that are being replaced. */
export async function settled(page: Page): Promise<void> {
  await expect(page.locator('main h1')).toBeVisible();
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
}

export { expect };
