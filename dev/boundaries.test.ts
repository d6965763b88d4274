import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeWorkflowBundle } from './bundle.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// A folder, and an import that its files may not have. The rules are in biome.json.
const REFUSED = [
  ['domain', "import { x } from '../db/tasks/tasks.ts';"],
  ['domain', "import { x } from './tasks/plan.ts';\nimport { y } from '../config.ts';"],
  ['domain/tasks', "import { x } from '../../db/tasks/tasks.ts';"],
  ['domain/tasks', "import type { x } from '../../db/tasks/tasks.ts';"],
  ['domain/tasks', "export { x } from '../../workflows/push/push.ts';"],
  ['domain/tasks', "const x = await import('../../config.ts');"],
  ['domain/tasks', "import { x } from '../../security/cmac.ts';"],
  ['domain/tasks', "import { x } from 'node:crypto';"],
  ['domain/tasks', "import { x } from 'kysely';"],
  ['db/ledger', "import { x } from '../../providers/apns/apns.ts';"],
  ['db/ledger', "import { x } from '../../activities/index.ts';"],
  ['db/ledger', "import { x } from '../../workflows/push/push.ts';"],
  ['db/ledger', "import { x } from '../../config.ts';"],
  ['db/ledger', "import { x } from '../../security/vault.ts';"],
  ['db/migrations/baseline', "import { x } from '../../../providers/apns/apns.ts';"],
  ['db/ledger', "import { x } from '@temporalio/client';"],
  ['providers', "import type { x } from '../db/tasks/tasks.ts';"],
  ['providers', "import { x } from '../security/vault.ts';"],
  ['providers', "import { x } from 'pg';"],
  ['providers/apns', "import type { x } from '../../db/tasks/tasks.ts';"],
  ['providers/apns', "import { x } from '../../security/vault.ts';"],
  ['providers/apns', "import { x } from 'kysely';"],
  ['security', "import { x } from '../db/tasks/tasks.ts';"],
  ['security', "import { x } from '../providers/push-service.ts';"],
  ['security', "import { x } from '../activities/index.ts';"],
  ['security', "import { x } from '../api/app.ts';"],
  ['security', "import { x } from '../config.ts';"],
  ['security', "import { x } from 'pg';"],
  ['activities', "import { x } from '../workflows/push/push.ts';"],
  ['activities', "import { x } from '../api/app.ts';"],
  ['activities', "import { x } from '../worker.ts';"],
  ['activities', "import { x } from '../security/message-mac.ts';"],
  ['activities/sending', "import { x } from '../../workflows/push/push.ts';"],
  ['activities/sending', "import { x } from '../../security/vault.ts';"],
  ['activities/webhooks', "import { x } from '../../security/outbound-targets.ts';"],
  ['workflows', "import { x } from '../db/tasks/tasks.ts';"],
  ['workflows', "import type { x } from '../providers/apns/apns.ts';"],
  ['workflows', "import { x } from '../api/app.ts';"],
  ['workflows', "import { createActivities } from '../activities/index.ts';"],
  ['workflows', "import * as x from '../activities/index.ts';"],
  ['workflows', "import { x } from '../security/vault.ts';"],
  ['workflows', "import { x } from 'node:timers/promises';"],
  ['workflows', "import { x } from 'pino';"],
  ['workflows', "import { x } from '@temporalio/client';"],
  ['workflows/push', "import { x } from '../../db/tasks/tasks.ts';"],
  ['workflows/push', "import { createActivities } from '../../activities/index.ts';"],
  ['api', "import { x } from '../activities/index.ts';"],
  ['api', "import { x } from '../workflows/push/push.ts';"],
  ['api', "import { x } from '../test/setup/database.ts';"],
  ['api/tasks', "import { x } from '../../providers/apns/apns.ts';"],
  ['api/tasks', "import { x } from '../../workflows/activities.ts';"],
  ['api/tasks', "import { x } from '../../config.ts';"],
] as const;

const ALLOWED = [
  ['domain', "import { z } from 'zod';"],
  ['domain/tasks', "import { x } from './plan.ts';"],
  ['domain/tasks', "import { x } from '../ids.ts';"],
  ['domain/tasks', "import { x } from '../schedule/waves.ts';"],
  ['db/ledger', "import { x } from '../../domain/ids.ts';"],
  ['db/ledger', "import { x } from '../../domain/workflows/contract.ts';"],
  ['db/ledger', "import { x } from '../core/database.ts';"],
  ['providers', "import { x } from '../domain/ids.ts';"],
  ['providers', "import { x } from './h2/h2-pool.ts';"],
  ['providers/apns', "import { x } from '../../domain/content/content.ts';"],
  ['providers/apns', "import { x } from '../h2/h2-pool.ts';"],
  ['security', "import { x } from '../domain/receipts/message-id.ts';"],
  ['security', "import { x } from './cmac.ts';"],
  ['security', "import { x } from 'node:crypto';"],
  ['security', "import { x } from 'node:dns/promises';"],
  ['activities', "import { x } from '../db/tasks/tasks.ts';"],
  ['activities', "import { x } from '../providers/verdict.ts';"],
  ['activities', "import { x } from '../domain/workflows/contract.ts';"],
  ['activities/webhooks', "import { x } from '../../security/standard-webhooks.ts';"],
  ['workflows', "import { x } from '../domain/ids.ts';"],
  ['workflows', "import type { Activities } from '../activities/index.ts';"],
  ['workflows/push', "import { x } from '../../domain/workflows/contract.ts';"],
  ['workflows/push', "import type { Activities } from '../../activities/index.ts';"],
  ['api', "import { x } from '../domain/workflows/contract.ts';"],
  ['api/tasks', "import { x } from '../../db/tasks/tasks.ts';"],
  ['api/tasks', "import { x } from '../../security/vault.ts';"],
] as const;

/**
 * The imports that the rooms of a layer may have of each other. Each row names only rooms of rows above it,
 * so that no circle can be written. Files at the root of a layer are its ground (domain) or compose it.
 */
const ROOMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  domain: {
    devices: [],
    content: ['devices'],
    events: ['devices'],
    audiences: ['devices', 'events', 'time'],
    pushes: ['devices'],
    receipts: [],
    time: [],
    caps: ['time'],
    schedule: ['caps', 'time'],
    tasks: ['audiences', 'caps', 'content', 'events', 'receipts', 'schedule', 'time'],
    webhooks: [],
    workflows: ['pushes', 'schedule', 'tasks'],
  },
  db: {
    schema: [],
    core: ['schema'],
    audit: ['core'],
    devices: ['core', 'schema'],
    events: ['core'],
    tasks: ['core', 'schema'],
    ledger: ['core', 'schema', 'tasks'],
    apps: ['audit', 'core', 'ledger', 'schema'],
    audiences: ['apps', 'core', 'events', 'ledger', 'schema'],
    caps: ['audiences', 'core', 'ledger', 'schema', 'tasks'],
    erasure: ['core', 'ledger', 'schema'],
    preparation: ['audiences', 'caps', 'core', 'ledger', 'schema'],
    receipts: ['core', 'ledger', 'schema'],
    statistics: ['caps', 'core', 'ledger', 'receipts', 'schema', 'tasks'],
    triggers: ['caps', 'core', 'events', 'ledger', 'preparation', 'schema', 'tasks'],
    webhooks: ['core', 'schema'],
  },
  providers: {
    connection: [],
    http2: ['connection'],
    'node-http2': ['connection'],
    h2: ['connection', 'http2', 'node-http2'],
    apns: ['connection', 'h2'],
    fcm: ['connection', 'h2'],
  },
  activities: {
    sending: [],
    webhooks: [],
  },
  workflows: {
    push: [],
    task: ['push'],
  },
  api: {
    csv: [],
    http: [],
    access: ['http'],
    audit: ['access', 'csv', 'http'],
    pushes: ['access', 'csv', 'http'],
    receipts: ['access', 'http'],
    routes: [],
    tasks: ['access', 'audit', 'http', 'pushes'],
    approval: ['access', 'http', 'tasks'],
    statistics: ['access', 'csv', 'http', 'pushes', 'tasks'],
    triggers: ['access', 'http', 'tasks'],
    upload: ['access', 'csv', 'http'],
    audiences: ['access', 'http', 'upload'],
    devices: ['access', 'csv', 'http', 'upload'],
    apps: ['access', 'devices', 'http', 'tasks'],
    content: ['access', 'devices', 'http', 'tasks'],
    events: ['access', 'devices', 'http', 'receipts'],
    webhooks: ['access', 'http'],
  },
};

const folder = mkdtempSync(join(tmpdir(), 'signalbox-boundaries-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string };
  }[];
}

/** Writes each import into a file of its own and answers which files the linter refuses. */
function refusedFiles(sources: ReadonlyMap<string, string>): Set<string> {
  copyFileSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
  for (const [file, source] of sources) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${source}\n`);
  }
  const options = ['lint', '--reporter=json', '--max-diagnostics=none', '--vcs-enabled=false'];
  const run = spawnSync(join(ROOT, 'node_modules/.bin/biome'), options, { cwd: folder, encoding: 'utf8' });
  const { diagnostics }: Report = JSON.parse(run.stdout);
  const refusals = diagnostics.filter(({ category }) => category === 'lint/style/noRestrictedImports');
  return new Set(refusals.map(({ location }) => normalize(location.path)));
}

describe('lint', () => {
  const fileOf = (list: string, folderName: string, no: number) => `${folderName}/${list}-${no}.ts`;
  let refused: Set<string>;
  beforeAll(() => {
    refused = refusedFiles(
      new Map([
        ...REFUSED.map(([place, source], no) => [fileOf('refused', place, no), source] as const),
        ...ALLOWED.map(([place, source], no) => [fileOf('allowed', place, no), source] as const),
      ]),
    );
  });
  test.each(REFUSED.map((entry, no) => [...entry, no] as const))('%s/ refuses: %s', (place, _, no) => {
    expect(refused).toContain(fileOf('refused', place, no));
  });
  test.each(ALLOWED.map((entry, no) => [...entry, no] as const))('%s/ takes: %s', (place, _, no) => {
    expect(refused).not.toContain(fileOf('allowed', place, no));
  });
});

test('only connection.ts of the own HTTP/2 client is imported from outside its folder', () => {
  const files = execFileSync('git', ['ls-files', '*.ts'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
  const outside = files.filter(
    (file) => !file.startsWith('providers/http2/') && existsSync(join(ROOT, file)),
  );
  const inner = /from '\.[^']*\/http2\/(?!connection\.ts')[^']*'/;
  expect(outside.filter((file) => inner.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
});

interface RoomImport {
  readonly file: string;
  readonly layer: string;
  readonly from: string;
  readonly to: string;
}

/** Imports from one room of a layer to another. */
function roomImports(file: string, source: string): RoomImport[] {
  const [layer = '', from = '', ...rest] = file.split('/');
  if (ROOMS[layer] === undefined || rest.length === 0) return [];
  const specifiers = [...source.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return specifiers.flatMap((specifier) => {
    const [toLayer, to = '', ...inRoom] = normalize(join(dirname(file), specifier)).split('/');
    const isOther = toLayer === layer && to !== from && inRoom.length > 0;
    return isOther && from !== 'migrations' ? [{ file, layer, from, to }] : [];
  });
}

const isOutOfOrder = ({ layer, from, to }: RoomImport) => !ROOMS[layer]?.[from]?.includes(to);

test('the rooms of a layer import each other in the order of the table', () => {
  const files = execFileSync('git', ['ls-files', '*.ts'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
  const product = files.filter((file) => !file.includes('.test.') && existsSync(join(ROOT, file)));
  const imports = product.flatMap((file) => roomImports(file, readFileSync(join(ROOT, file), 'utf8')));
  expect(imports.length).toBeGreaterThan(500);
  expect(imports.filter(isOutOfOrder)).toEqual([]);
  const upward = "import { x } from '../statistics/totals.ts';";
  expect(roomImports('db/ledger/pushes.ts', upward).filter(isOutOfOrder)).toHaveLength(1);
  expect(roomImports('db/unknown/x.ts', upward).filter(isOutOfOrder)).toHaveLength(1);
});

test('each row of the table names rooms of rows above it only', () => {
  for (const rooms of Object.values(ROOMS)) {
    const above = new Set<string>();
    for (const [room, imported] of Object.entries(rooms)) {
      expect(imported.filter((other) => !above.has(other))).toEqual([]);
      above.add(room);
    }
  }
});

test('the workflow bundle holds workflows, domain and packages for the sandbox, and nothing of Node', async () => {
  const file = join(folder, 'bundle.js');
  await writeWorkflowBundle(file);
  const code = readFileSync(file, 'utf8');
  const modules = [...code.matchAll(/^\/\*\*\*\/ "\.\/([^"]+)"/gm)].map((match) => match[1] ?? '');
  expect(modules).toContain('workflows/task/operation-task.ts');
  const expected =
    /^(workflows|domain|node_modules\/(@temporalio\/(common|workflow)|long|ms|nexus-rpc|zod))\//;
  expect(modules.filter((module) => !expected.test(module))).toEqual([]);
  expect(code).not.toMatch(/['"]node:/);
}, 60_000);
