import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Content } from '../../domain/content/content.ts';
import { openApns } from '../../providers/apns/apns.ts';
import { ALWAYS_OPEN } from '../../providers/push-service.ts';
import { createDevCredentials } from './credentials.ts';
import { type RunningSimulators, startSimulators } from './start.ts';
import { apnsToken } from './tokens.ts';

const { credentials, config } = createDevCredentials();
const content = Content.parse({ title: 't', body: 'b' });
const HERE = fileURLToPath(new URL('.', import.meta.url));

async function withSimulators(use: (simulators: RunningSimulators) => Promise<void>): Promise<void> {
  const simulators = await startSimulators(config);
  try {
    await use(simulators);
  } finally {
    await simulators.stop();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('the address of the simulators lists its routes', async () => {
  await withSimulators(async ({ controlUrl }) => {
    const answer = await fetch(controlUrl);
    expect(answer.headers.get('content-type')).toContain('text/html');
    const page = await answer.text();
    for (const path of ['/counts', '/bodies', '/log', '/switches', '/reset']) expect(page).toContain(path);
  });
});

test('counts and log hold every request, and switches that a change leaves out stay unchanged', async () => {
  await withSimulators(async ({ control, apnsUrl, ca }) => {
    const service = openApns(credentials.apns, { url: new URL(apnsUrl), ca });
    const send = (n: number, messageId: string) =>
      service.send(content, { token: apnsToken(n), messageId, collapseId: 'c' }, ALWAYS_OPEN);
    const start = Date.now() - 1;
    await send(1, 'a');
    await send(2, 'b');
    await send(2, 'b');
    await control.change({ apns: { shareThrottled: 1, retryAfterSeconds: 9 } });
    await control.change({ apns: { shareThrottled: 1 } });
    await send(3, 'c');
    await service.close();

    expect(await control.counts()).toMatchObject({
      requests: 4,
      processed: 3,
      distinctMessages: 2,
      distinctDevices: 2,
      duplicates: 1,
      duplicateSamples: ['b'],
      channels: { apns: { unanswered: 0, refused: { TooManyRequests: 1 } } },
    });
    expect((await control.switches()).apns).toMatchObject({ shareThrottled: 1, retryAfterSeconds: 9 });
    expect(await control.requestsSince(start)).toBe(4);
    expect(await control.requestsSince(Date.now() + 1000)).toBe(0);
    const log = await control.log();
    expect(log.map(({ messageId, status, processed }) => [messageId, status, processed])).toEqual([
      ['a', 200, true],
      ['b', 200, true],
      ['b', 200, true],
      ['c', 429, false],
    ]);
    await control.reset();
    expect([(await control.counts()).requests, await control.log()]).toEqual([0, []]);
  });
});

test('a switch that does not exist is an error and changes nothing', async () => {
  await withSimulators(async ({ control }) => {
    const wrong = { apns: { shareLost: 1 } } as object;
    await expect(control.change(wrong)).rejects.toThrow(/400.*shareLost/s);
    await expect(control.change({ fcm: { shareThrottled: 2 } })).rejects.toThrow(/shareThrottled/);
    expect((await control.switches()).fcm.shareThrottled).toBe(0);
  });
});

test('the simulators end with the process that started them, also when that is killed', async () => {
  const script = `
    import { createDevCredentials } from '${HERE}credentials.ts';
    import { startSimulators } from '${HERE}start.ts';
    const simulators = await startSimulators(createDevCredentials().config);
    console.log(simulators.process.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = await once(parent.stdout, 'data');
  const pid = Number(String(chunk));
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 5000 }).toBe(false);
});
