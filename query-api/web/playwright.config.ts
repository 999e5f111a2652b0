import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

/** Against a running server: BASE_URL and AIRSHED_TOKEN. Without: the mock server with its made-up company. */
const port = 4181;
const baseURL = process.env.BASE_URL ?? `http://127.0.0.1:${port}`;
/** Playwright's own Chromium, or that of the system where there is none. */
const system = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const executablePath = process.env.CHROMIUM ?? system;

export default defineConfig({
  testDir: 'tests/browser',
  timeout: 90_000,
  expect: { timeout: 20_000 },
  workers: 1,
  fullyParallel: false,
  reporter: [['list']],
  use: {
    baseURL,
    viewport: { width: 1440, height: 900 },
    trace: 'retain-on-failure',
    launchOptions: executablePath ? { executablePath } : {},
  },
  ...(process.env.BASE_URL
    ? {}
    : { webServer: { command: `node mock/server.mjs --port ${port}`, url: `${baseURL}/icon.svg`, reuseExistingServer: false } }),
});
