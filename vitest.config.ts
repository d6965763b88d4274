import { defineConfig } from 'vitest/config';

const slow = { testTimeout: 120_000, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            '{domain,providers,db,api,security,activities,workflows,deploy,dev,sdk,bench/lib,test/faults}/**/*.test.ts',
            '*.test.ts',
          ],
          exclude: ['**/*.{db,api,workflow,browser,e2e}.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'db',
          include: ['{db,activities}/**/*.db.test.ts'],
          globalSetup: ['test/setup/postgres.ts'],
          ...slow,
        },
      },
      {
        extends: true,
        test: {
          name: 'api',
          include: ['{api,sdk}/**/*.api.test.ts'],
          globalSetup: ['test/setup/postgres.ts'],
          ...slow,
        },
      },
      {
        extends: true,
        test: {
          name: 'workflow',
          include: ['{workflows,test}/**/*.workflow.test.ts'],
          globalSetup: ['test/setup/postgres.ts', 'test/setup/temporal.ts'],
          ...slow,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['**/*.browser.test.ts'],
          globalSetup: ['test/setup/postgres.ts'],
          fileParallelism: false,
          ...slow,
        },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/**/*.e2e.test.ts'], ...slow },
      },
    ],
  },
});
