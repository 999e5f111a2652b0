/** Who has no session sees nothing; a wrong token is refused with the server's words; a right one leads on. */

import { expect, test, TOKEN } from './ledger';

test('without a session every page leads to sign-in, and back to where one was going', async ({ page, complaints }) => {
  void complaints;
  await page.goto('/quality?basis=market');
  await expect(page.getByRole('heading', { name: 'Sign in to Airshed' })).toBeVisible();
  await page.getByLabel('Token', { exact: true }).last().fill(TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Data quality' })).toBeVisible();
  expect(new URL(page.url()).searchParams.get('basis')).toBe('market');
});

test('a wrong token is refused and stays out', async ({ page, complaints }) => {
  void complaints;
  await page.goto('/signin');
  await page.getByLabel('Token', { exact: true }).last().fill('not-a-token');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page.getByRole('alert')).not.toBeEmpty();
  expect((await page.request.get('/v1/meta')).status()).toBe(401);
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Sign in to Airshed' })).toBeVisible();
});

test('a link cannot send one to another site after signing in', async ({ page, complaints }) => {
  void complaints;
  const home = new URL((await page.goto('/signin?next=//example.org/'))?.url() ?? '').origin;
  await page.getByLabel('Token', { exact: true }).last().fill(TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  expect(new URL(page.url()).origin).toBe(home);
});

test('signing out ends the session', async ({ ledger: page }) => {
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in to Airshed' })).toBeVisible();
  expect((await page.request.get('/v1/meta')).status()).toBe(401);
});
