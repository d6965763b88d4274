import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { runCommand, USAGE } from '../../cli/commands.ts';
import { createTestApp, useServer, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));
const server = useServer(api);

const as = (role: 'operator' | 'marketer', ...args: string[]) =>
  runCommand({ apiUrl: server.url, key: app.keys[role] }, args);

test('the CLI stops an app, shows the stop, and resumes the app', async () => {
  const stopped = await as('operator', 'stop', app.appId, '--reason', 'Wrong price');
  expect(stopped).toMatchObject({ exitCode: 0, text: expect.stringContaining('The operator: Wrong price') });
  expect(await as('marketer', 'status', app.appId)).toEqual(stopped);
  expect(await as('operator', 'resume', app.appId)).toMatchObject({
    exitCode: 0,
    text: expect.stringContaining('sends again'),
  });
  expect((await as('marketer', 'status', app.appId)).text).toContain('no emergency stop is active');
  const { items } = (await app.call('operator', 'GET', '/v1/audit')).json();
  expect(items[0]).toMatchObject({ action: 'resume_app', userAgent: 'signalbox-cli' });
});

test("the CLI does nothing with another app's key, or a key without the permission", async () => {
  const other = await createTestApp(api);
  const wrong = await as('operator', 'stop', other.appId, '--reason', 'x');
  expect(wrong).toMatchObject({ exitCode: 1, text: expect.stringContaining('nothing was done') });
  const refused = await as('marketer', 'stop', app.appId, '--reason', 'x');
  expect(refused).toMatchObject({ exitCode: 1, text: expect.stringContaining('403') });
  expect(await runCommand({ apiUrl: 'http://127.0.0.1:1', key: 'x' }, ['status', app.appId])).toMatchObject({
    exitCode: 1,
  });
});

test.each([
  [[]],
  [['stop', 'app-0']],
  [['stop', 'app-0', '--reason', '']],
  [['resume']],
  [['resume', 'app-0', 'app-1']],
  [['resume', 'app-0', '--reason', 'x']],
  [['explode', 'app-0']],
  [['stop', '--what']],
])('%j prints the usage', async (args) => {
  expect(await as('operator', ...args)).toEqual({ exitCode: 2, text: USAGE });
});

test('the CLI runs as a process with the key from the environment', async () => {
  const file = fileURLToPath(new URL('../../signalbox.ts', import.meta.url));
  const env = { SIGNALBOX_URL: server.url, SIGNALBOX_KEY: app.keys.operator };
  const { stdout } = await promisify(execFile)(process.execPath, [file, 'status', app.appId], { env });
  expect(stdout).toContain('no emergency stop is active');
});

test('a process without a key says which variable is missing, and how the CLI is used', async () => {
  const file = fileURLToPath(new URL('../../signalbox.ts', import.meta.url));
  const run = promisify(execFile)(process.execPath, [file, 'status', app.appId], { env: {} });
  await expect(run).rejects.toMatchObject({ code: 2, stdout: '' });
  const { stderr } = await run.catch((error: { stderr: string }) => error);
  expect(stderr).toContain('SIGNALBOX_KEY');
  expect(stderr).toContain(USAGE);
  expect(stderr).not.toContain('    at ');
});
