import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds the API: the mock server, or a running `airshed serve`. */
const api = process.env.AIRSHED_API ?? 'http://127.0.0.1:4180';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // Styles stay files: the content security policy refuses inline ones.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/v1': api, '/openapi.json': api } },
  test: { include: ['src/**/*.test.ts'] },
});
