/** Accessible by rule (axe, light and dark), quick to paint, live, and fit for paper. */

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, get, newestMonth, PAGES, settled, test } from './ledger';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Finding {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

/** Through the debugger: a script tag would be refused by the content security policy, as it should. */
async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: (root: Document) => Promise<{ violations: Finding[] }> } };
    return (await axe.run(document)).violations;
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary ?? ''}`).join('\n')}`);
}

for (const scheme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious, ${scheme}`, async ({ ledger: page }) => {
    test.setTimeout(240_000);
    await page.emulateMedia({ colorScheme: scheme });
    for (const path of PAGES) {
      await page.goto(path);
      await settled(page);
      expect(await seriousFindings(page), path).toEqual([]);
    }
    const { from, to } = await newestMonth(page.request);
    const { rows } = await get<{ rows: { resource_id: string | null }[] }>(page.request, `/v1/resources?from=${from}&to=${to}&limit=20`);
    const resource = encodeURIComponent(rows.find((row) => row.resource_id)?.resource_id ?? '');
    const lines = await get<{ rows: { line_id: string; period: string }[] }>(page.request, `/v1/lines?resource_id=${resource}&from=${from}&to=${to}&limit=1`);
    const line = lines.rows[0];
    await page.goto(`/explore?group_by=resource_id&resource=${resource}&line=${line?.line_id}&line_period=${line?.period}`);
    await expect(page.getByRole('heading', { name: 'How it was calculated' })).toBeVisible();
    expect(await seriousFindings(page), 'lineage').toEqual([]);
  });
}

test('axe finds nothing serious on the sign-in page', async ({ page, complaints }) => {
  void complaints;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto('/signin');
    await expect(page.getByRole('heading', { name: 'Sign in to Airshed' })).toBeVisible();
    expect(await seriousFindings(page)).toEqual([]);
  }
});

test('the switch of colours holds over a reload', async ({ ledger: page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/about');
  await settled(page);
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByTitle('Dark').click();
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.reload();
  await settled(page);
  expect(await ground()).toBe(dark);
});

test('charts are loaded after the first paint, and nothing comes from elsewhere', async ({ ledger: page, baseURL }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto('/');
  await settled(page);
  await expect(page.locator('canvas').first()).toBeVisible();
  const origin = new URL(baseURL ?? '').origin;
  expect(asked.filter((url) => !url.startsWith(origin) && !url.startsWith('data:') && !url.startsWith('blob:'))).toEqual([]);
  const scripts = asked.filter((url) => url.endsWith('.js'));
  const page_html = await (await page.request.get('/')).text();
  const echarts = scripts.filter((url) => url.includes('echarts'));
  expect(echarts).toHaveLength(1);
  expect(page_html).not.toContain('echarts');
});

test('tooltips of charts keep to the content security policy', async ({ ledger: page }) => {
  for (const path of ['/', '/explore', '/hours']) {
    await page.goto(path);
    await settled(page);
    await expect(page.locator('canvas').first()).toBeVisible();
    await page.getByRole('img', { name: /The table has the figures/ }).first().hover({ position: { x: 300, y: 90 } });
    await expect(page.locator('.chart-tip').first()).toBeVisible();
    await expect(page.locator('.chart-tip-value').first()).not.toBeEmpty();
  }
});

test('on paper there are charts in light colours and no controls', async ({ ledger: page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto('/');
  await settled(page);
  await expect(page.locator('canvas').first()).toBeVisible();
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await expect(page.getByRole('navigation', { name: 'Pages' })).toBeHidden();
  await expect(page.getByRole('button', { name: 'Copy as SQL' }).first()).toBeHidden();
  await expect(page.locator('canvas').first()).toBeVisible();
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe('rgb(255, 255, 255)');
});

test('new runs are shown without a reload', async ({ ledger: page, baseURL }) => {
  test.skip(process.env.BASE_URL !== undefined, 'needs a ledger that changes on request');
  await page.goto('/');
  await settled(page);
  const before = await page.locator('footer code').textContent();
  await page.request.post(`${baseURL}/mock/revision`);
  await expect(page.getByText(/New data at/)).toBeVisible();
  await settled(page);
  expect(await page.locator('footer code').textContent()).not.toBe(before);
});
