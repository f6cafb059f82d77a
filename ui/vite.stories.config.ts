/** The story page: every screen over the in-memory host, for screenshots and accessibility checks. */
import { defineConfig } from 'vite';
import { shared } from './vite.config';

export default defineConfig({
  ...shared,
  base: './',
  build: {
    target: ['safari18', 'chrome120'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    outDir: 'node_modules/.stories',
    emptyOutDir: true,
    rolldownOptions: { input: 'stories.html' },
  },
});
