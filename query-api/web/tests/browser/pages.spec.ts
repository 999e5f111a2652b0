/** Every page opens, shows what the API says, and keeps its state in the address. */

import { accountName, expect, get, newestMonth, PAGES, plain, settled, sum, test } from './ledger';

interface Rows {
  rows: Record<string, string | null>[];
}

for (const path of PAGES) {
  test(`${path} opens without complaint and fits a phone`, async ({ ledger: page }) => {
    await page.goto(path);
    await settled(page);
    await expect(page.getByRole('alert')).toHaveCount(0);
    await page.setViewportSize({ width: 360, height: 740 });
    await settled(page);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over, 'pixels that the page is wider than the window').toBeLessThanOrEqual(0);
  });
}

test('the server is asked what the ledger holds once, not again and again', async ({ ledger: page }) => {
  let asked = 0;
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/v1/meta') asked += 1;
  });
  await page.goto('/');
  await settled(page);
  await page.waitForTimeout(1500);
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThanOrEqual(3);
});

test('the total of the overview is that of the API and of SQL, to the last digit', async ({ ledger: page }) => {
  const { from, to } = await newestMonth(page.request);
  for (const basis of ['location', 'market'] as const) {
    const { rows } = await get<Rows>(page.request, `/v1/emissions?from=${from}&to=${to}`);
    const measure = `co2e_${basis}_g`;
    await page.goto(`/?basis=${basis}`);
    await settled(page);
    const shown = await page.locator(`[data-figure="${measure}"]`).getAttribute('data-exact');
    expect(plain(shown ?? '')).toBe(sum(rows.map((row) => row[measure] ?? null)));
  }
  const sql = 'SELECT service_code, sum(co2e_location_g) AS co2e_location_g FROM emissions_daily GROUP BY service_code';
  const answer = await page.request.post('/v1/sql', { data: { sql, as_of: null, max_rows: 1000 } });
  const bySql = ((await answer.json()) as { rows: (string | null)[][] }).rows.map((row) => row[1] ?? null);
  const { rows } = await get<Rows>(page.request, '/v1/emissions');
  expect(sum(bySql)).toBe(sum(rows.map((row) => row.co2e_location_g ?? null)));
});

test('series of the time line can be switched off, and the address says so', async ({ ledger: page }) => {
  await page.goto('/');
  await settled(page);
  await page.getByRole('button', { name: 'Energy', exact: true }).click();
  await expect(page).toHaveURL(/series=co2e%2Ccost/);
  await page.reload();
  await expect(page.getByRole('button', { name: 'Energy', exact: true })).toHaveAttribute('aria-pressed', 'false');
});

test('every chart has a table with the same figures', async ({ ledger: page }) => {
  const { from, to } = await newestMonth(page.request);
  const { rows } = await get<Rows>(page.request, `/v1/timeseries?from=${from}&to=${to}&grain=day`);
  await page.goto('/');
  await settled(page);
  await page.getByRole('group', { name: 'Form of: Over time' }).getByTitle('Table').click();
  const table = page.getByRole('region', { name: 'Over time' }).getByRole('table');
  const days = [...new Set(rows.map((row) => row.time))];
  await expect(table.locator('tbody tr')).toHaveCount(days.length);
  const first = rows.filter((row) => row.time === days[0]).map((row) => row.co2e_location_g ?? null);
  expect(plain((await table.locator('tbody tr').first().locator('td').first().textContent()) ?? '')).toBe(sum(first));
});

test('a filter narrows the total to what the API says for it', async ({ ledger: page }) => {
  const { from, to } = await newestMonth(page.request);
  const groups = await get<Rows>(page.request, `/v1/emissions?from=${from}&to=${to}&group_by=account_id&limit=1`);
  const account = groups.rows[0]?.account_id ?? '';
  const name = await accountName(page.request, account);
  await page.goto('/');
  await settled(page);
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await page.getByRole('group', { name: 'Values of Account' }).getByRole('button', { name, exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`account_id=${account}`));
  await settled(page);
  const { rows } = await get<Rows>(page.request, `/v1/emissions?from=${from}&to=${to}&account_id=${account}`);
  const figure = page.locator('[data-figure="co2e_location_g"]');
  await expect.poll(async () => plain((await figure.getAttribute('data-exact')) ?? '')).toBe(sum(rows.map((row) => row.co2e_location_g ?? null)));
  await page.getByRole('button', { name: `Remove filter Account: ${name}` }).click();
  await expect(page).not.toHaveURL(/account_id/);
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(`account_id=${account}`));
});

test('other days are asked for and named', async ({ ledger: page }) => {
  await page.goto('/explore');
  await settled(page);
  await page.getByRole('button', { name: /^Days:/ }).click();
  await page.getByRole('button', { name: 'Last 7 days' }).click();
  await expect(page).toHaveURL(/from=\d{4}-\d{2}-\d{2}&to=/);
  await settled(page);
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('an earlier run can be pinned and left again', async ({ ledger: page }) => {
  await page.goto('/about');
  await settled(page);
  await page.getByRole('link', { name: /Show as of/ }).last().click();
  await expect(page).toHaveURL(/as_of=/);
  await expect(page.getByRole('note')).toContainText('The ledger as it was');
  await settled(page);
  await page.getByRole('link', { name: 'Back to now' }).click();
  await expect(page).not.toHaveURL(/as_of=/);
});

test('SQL runs, shows every digit, and shows why a statement is refused', async ({ ledger: page, complaints }) => {
  await page.goto('/sql');
  await settled(page);
  await page.getByLabel('SQL statement').fill('SELECT service_code, sum(energy_kwh) AS energy_kwh FROM emissions_monthly GROUP BY service_code');
  await page.getByLabel('SQL statement').press('Control+Enter');
  await expect(page.getByRole('region', { name: 'Result' }).last()).toBeVisible();
  const { rows } = await get<Rows>(page.request, '/v1/emissions');
  const cells = await page.getByRole('region', { name: 'Result' }).last().locator('tbody td:nth-child(2)').allTextContents();
  expect(sum(cells.map((cell) => (cell === 'null' ? null : cell)))).toBe(sum(rows.map((row) => row.energy_kwh ?? null)));
  await page.getByLabel('SQL statement').fill("COPY emissions TO '/tmp/x'");
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  // The refusal itself is a 4xx that the browser reports.
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !/status of 4\d\d/.test(text)));
});

test('a failing server is said, and trying again helps', async ({ ledger: page, complaints }) => {
  await page.route('**/v1/breakdown*', (route) =>
    route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ title: 'The query took too long', status: 503, detail: 'It was stopped after 30 s.' }) }),
  );
  await page.goto('/');
  await expect(page.getByRole('alert')).toContainText('The query took too long');
  await expect(page.getByRole('alert')).toContainText('It was stopped after 30 s.');
  await page.unroute('**/v1/breakdown*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !/status of 503/.test(text)));
});
