import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { createClient } from '../../dev/demo/client.ts';
import { poll } from '../../dev/demo/poll.ts';
import { createControlClient } from '../../dev/simulators/control-client.ts';
import type { DevCredentials } from '../../dev/simulators/credentials.ts';
import { apnsToken, fcmToken } from '../../dev/simulators/tokens.ts';
import { createSampleApp } from '../../dev/stack/sample-app.ts';

// One push through the containers, while each of them is stopped or restarted. The simulators count what arrived.

const DEVICES = 3_000;
const PER_SECOND = 60;
const BETWEEN_MS = 3_000;
const MINUTE_MS = 60_000;
const COMMANDS = [
  ['stop', 'worker'],
  ['start', 'worker'],
  ['restart', 'temporal'],
  ['restart', 'api'],
  ['restart', 'postgres'],
] as const;

const [trial = ''] = process.argv.slice(2);
const settings = parseEnv(readFileSync(join(trial, 'env'), 'utf8'));
const apiUrl = `http://127.0.0.1:${settings['API_PORT']}`;
const credentials = JSON.parse(
  readFileSync(join(trial, 'shared', 'credentials.json'), 'utf8'),
) as DevCredentials;
const simulators = createControlClient(`http://127.0.0.1:${settings['SIMULATOR_PORT']}`);

function say(text: string): void {
  process.stdout.write(`        ${text}\n`);
}

function compose(...args: readonly string[]): string {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return execFileSync('docker', ['compose', ...args], { encoding: 'utf8', stdio: [...stdio] });
}

const Identified = z.object({ id: z.string() });
const Task = z.object({
  status: z.string(),
  statusReason: z.string().nullable(),
  latestPush: z
    .object({ statistics: z.object({ statistics: z.object({ sent: z.int(), failures: z.int() }) }) })
    .nullable(),
});

const app = await createSampleApp({ apiUrl, adminKey: settings['ADMIN_KEY'] ?? '', credentials });
const marketer = createClient(apiUrl, app.keys.marketer);
const approver = createClient(apiUrl, app.keys.approver);
const sentOf = (task: z.infer<typeof Task>) => task.latestPush?.statistics.statistics.sent ?? 0;
/** The API is away while its container restarts. */
const look = () => marketer.get(`/v1/tasks/${taskId}`, Task).catch(() => undefined);

function deviceList(): Blob {
  const rows = Array.from({ length: DEVICES }, (_, n) =>
    n % 2 === 0 ? `device-${n},ios,${apnsToken(n)}` : `device-${n},android,${fcmToken(n)}`,
  );
  return new Blob([['device_id,platform,token', ...rows, ''].join('\n')], { type: 'text/csv' });
}

async function startTask(): Promise<string> {
  await marketer.upload('/v1/devices/import', deviceList(), z.unknown());
  const audience = await marketer.post('/v1/audiences', { name: 'Everybody', kind: 'all' }, Identified);
  const { id } = await marketer.post(
    '/v1/tasks',
    {
      name: 'Containers',
      pushType: 'single',
      audience: { id: audience.id },
      content: { title: 'Containers', body: 'One to each' },
      ratePerSecond: PER_SECOND,
    },
    Identified,
  );
  await marketer.post(`/v1/tasks/${id}/submit`, undefined, z.unknown());
  await approver.post(`/v1/tasks/${id}/approve`, { revision: 1 }, z.unknown());
  return id;
}

async function interrupt(): Promise<void> {
  for (const command of COMMANDS) {
    const startedAt = performance.now();
    compose(...command);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const { processed } = await simulators.counts();
    say(`${command.join(' ')}: ${seconds} s, ${processed} of ${DEVICES} messages have arrived`);
    await sleep(BETWEEN_MS);
  }
}

function tryEmergencyStop(): void {
  const signalbox = (...args: readonly string[]) =>
    compose('exec', '-T', '-e', `SIGNALBOX_KEY=${app.keys.operator}`, 'api', 'node', 'signalbox.ts', ...args);
  say(signalbox('stop', app.id, '--reason', 'A trial').trim());
  say(signalbox('resume', app.id).trim().replace('\n', ' '));
}

const taskId = await startTask();
await poll('the first tenth', MINUTE_MS, async () => {
  const task = await look();
  return task !== undefined && sentOf(task) >= DEVICES / 10 ? task : undefined;
});
await interrupt();
const ended = await poll('the end of sending', 5 * MINUTE_MS, async () => {
  const task = await look();
  return task !== undefined && ['collecting', 'completed', 'paused', 'failed'].includes(task.status)
    ? task
    : undefined;
});
const { distinctMessages, distinctDevices, duplicates } = await simulators.counts();
say(
  `${ended.status}: ${sentOf(ended)} sent; at the simulators ${distinctDevices} devices, ${duplicates} duplicates`,
);
tryEmergencyStop();
const isRight =
  ended.status === 'collecting' &&
  duplicates === 0 &&
  distinctMessages === distinctDevices &&
  sentOf(ended) === DEVICES;
if (!isRight) throw new Error(`The push is not right: ${JSON.stringify(ended)}`);
