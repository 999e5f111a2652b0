/** From the estate down to the billed line and its lineage: with the mouse, and with the keyboard alone. */

import type { Page } from '@playwright/test';
import { accountName, expect, get, newestMonth, plain, settled, test } from './ledger';

interface Rows {
  rows: Record<string, string | null>[];
}

/** An account, service and resource with estimated lines, the largest of each. */
async function largest(page: Page) {
  const { from, to } = await newestMonth(page.request);
  const span = `from=${from}&to=${to}`;
  const first = async (path: string, key: string) => (await get<Rows>(page.request, path)).rows.find((row) => row[key] !== null)?.[key] ?? '';
  const account = await first(`/v1/emissions?${span}&group_by=account_id&limit=5`, 'account_id');
  const service = await first(`/v1/emissions?${span}&account_id=${account}&group_by=service_code&limit=5`, 'service_code');
  const resources = await get<Rows>(page.request, `/v1/resources?${span}&account_id=${account}&service_code=${service}&limit=50&order=-co2e_location_g`);
  const resource = resources.rows.find((row) => row.resource_id && row.co2e_location_g !== null)?.resource_id ?? '';
  const filters = `account_id=${account}&service_code=${service}`;
  const lines = await get<Rows>(page.request, `/v1/lines?${span}&${filters}&resource_id=${encodeURIComponent(resource)}&limit=1`);
  return { account, service, resource, line: lines.rows[0] ?? {} };
}

test('account, service, resource, hour, lineage', async ({ ledger: page }) => {
  const { account, service, resource, line } = await largest(page);
  await page.goto('/explore');
  await settled(page);
  const table = page.getByRole('region', { name: /^Sums by/ });
  const name = await accountName(page.request, account);
  await table.getByRole('link', { name, exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`account_id=${account}`));
  await table.getByRole('link', { name: service, exact: true }).click();
  await expect(page).toHaveURL(/group_by=resource_id/);
  await settled(page);
  await table.locator(`a[title="${resource}"]`).first().click();
  await expect(page.getByRole('heading', { name: 'Billed lines' })).toBeVisible();
  await page.getByRole('region', { name: /^Billed lines of/ }).getByRole('link').first().click();

  const drawer = page.getByRole('dialog', { name: 'Where this number comes from' });
  await expect(drawer.getByRole('heading', { name: 'How it was calculated' })).toBeVisible();
  const shown = drawer.locator('tr', { hasText: 'co2e_location_g' }).first().locator('td').first();
  expect(plain((await shown.textContent()) ?? '')).toBe(plain(line.co2e_location_g ?? ''));
  await expect(drawer).toContainText('the ledger holds the same figures');

  // The address of the drawer shows the same to a colleague.
  await page.reload();
  await expect(drawer.getByRole('heading', { name: 'How it was calculated' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(drawer).toHaveCount(0);
  await page.getByRole('navigation', { name: 'Way down' }).getByRole('link', { name, exact: true }).click();
  await expect(page).not.toHaveURL(/[?&]service_code=/);
});

/** Presses Tab until the link of this name has the focus, as someone without a mouse does. */
async function focusLink(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 150; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const active = document.activeElement;
      return active instanceof HTMLAnchorElement ? (active.title || active.textContent || '').trim() : '';
    });
    if (focused === name) return;
  }
  throw new Error(`Tab does not reach ${name}`);
}

test('the same with the keyboard alone', async ({ ledger: page }) => {
  const { account, service, resource } = await largest(page);
  await page.goto('/explore');
  await settled(page);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the figures' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();

  await focusLink(page, account);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/group_by=service_code/);
  await settled(page);
  await focusLink(page, service);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/group_by=resource_id/);
  await settled(page);
  await focusLink(page, resource);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Billed lines' })).toBeVisible();
  await settled(page);
  const hour = ((await page.getByRole('region', { name: /^Billed lines of/ }).getByRole('link').first().textContent()) ?? '').trim();
  await focusLink(page, hour);
  await page.keyboard.press('Enter');
  const drawer = page.getByRole('dialog');
  await expect(drawer.getByRole('heading', { name: 'How it was calculated' })).toBeVisible();
  expect(await drawer.evaluate((dialog) => dialog.contains(document.activeElement)), 'the focus is in the drawer').toBe(true);
  await page.keyboard.press('Escape');
  await expect(drawer).toHaveCount(0);
  await expect(page.getByRole('region', { name: /^Billed lines of/ }).getByRole('link').first()).toBeFocused();
});
