// Bundles the page: Cornerstone's workers are modules, and some packages below it name modules of node.
import { fileURLToPath } from 'node:url'

const absent = fileURLToPath(new URL('./absent.js', import.meta.url))

export default {
  base: './',
  worker: { format: 'es' },
  build: { target: 'chrome120', chunkSizeWarningLimit: 10000 },
  resolve: { alias: { events: absent, fs: absent, path: absent, url: absent } },
}
