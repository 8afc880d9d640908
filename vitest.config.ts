import { defineConfig } from 'vitest/config';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^jobwright\/testing$/, replacement: here('./src/testing/index.ts') },
      { find: /^jobwright\/client$/, replacement: here('./src/client/index.ts') },
      { find: /^jobwright\/worker$/, replacement: here('./src/worker/index.ts') },
      { find: /^jobwright$/, replacement: here('./src/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/globalMongo.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 3,
  },
});
