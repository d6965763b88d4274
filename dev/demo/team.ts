import { join } from 'node:path';
import { z } from 'zod';
import { CsvWriter } from '../devices/csv-file.ts';
import { DeviceSimulator } from '../devices/device-simulator.ts';
import { apnsToken, fcmToken, tokenFate } from '../simulators/tokens.ts';
import { BAD_TOKENS } from './plan.ts';
import { count, type Screen } from './screen.ts';
import type { Stage } from './stage.ts';

/** Devices in no other audience, so that what they get and report can be told apart. */
export interface Team {
  readonly audienceId: string;
  readonly ios: number;
  readonly android: number;
  readonly devices: DeviceSimulator;
  readonly size: number;
  concerns(token: string): boolean;
  /** Requests for them that started between two moments of the epoch. */
  requestsBetween(fromMs: number, toMs: number): Promise<number>;
}

const OF_EACH = 20;
/** Beyond the tokens of the largest population. */
const FIRST_TOKEN = 10_000_000;

const Imported = z.object({ created: z.int(), badRows: z.int() });
const Uploaded = z.object({ id: z.string(), members: z.int() });

export async function gatherTeam(stage: Stage, screen: Screen, seed: number): Promise<Team> {
  const tokens = [...goodTokens('ios', apnsToken), ...goodTokens('android', fcmToken)];
  const { stack, marketer } = stage;
  const deviceFile = new CsvWriter(join(stack.dataDir, 'team-devices.csv'), [
    'device_id',
    'platform',
    'token',
  ]);
  const audienceFile = new CsvWriter(join(stack.dataDir, 'team.csv'), ['device_id', 'user_id']);
  tokens.forEach(({ platform, token }, n) => {
    deviceFile.add(`team-${n},${platform},${token}`);
    audienceFile.add(`team-${n},`);
  });
  const imported = await marketer.upload('/v1/devices/import', deviceFile.close().path, Imported);
  const uploaded = await marketer.upload(
    '/v1/audiences/upload?name=Team',
    audienceFile.close().path,
    Uploaded,
  );
  if (imported.created !== tokens.length || uploaded.members !== tokens.length) {
    throw new Error(`The team has ${tokens.length} devices: ${JSON.stringify({ imported, uploaded })}`);
  }
  screen.step(`Imported ${count(imported.created)} more devices, the team, with an audience of their own`);
  const starts: number[] = [];
  const own = new Set(tokens.map(({ token }) => token));
  const concerns = (token: string) => own.has(token);
  const devices = await startDevices(stage, seed, { concerns, onRequest: ({ at }) => starts.push(at) });
  return {
    ...{ audienceId: uploaded.id, ios: OF_EACH, android: OF_EACH, size: own.size, devices, concerns },
    async requestsBetween(fromMs, toMs) {
      await devices.caughtUp();
      return starts.filter((at) => at > fromMs && at <= toMs).length;
    },
  };
}

type Concern = Pick<Parameters<typeof DeviceSimulator.start>[0], 'concerns' | 'onRequest'>;

/** Reports what the push services delivered to the devices that it concerns. */
export function startDevices(
  { apiUrl, app, simulators }: Stage,
  seed: number,
  concern: Concern,
): Promise<DeviceSimulator> {
  const { logFile, control } = simulators;
  return DeviceSimulator.start({
    ...{ apiUrl, sdkKey: app.keys.sdk, logFile, seed },
    ...concern,
    flushLog: () => control.counts(),
  });
}

function goodTokens(platform: 'ios' | 'android', tokenOf: (n: number) => string) {
  const tokens: { platform: 'ios' | 'android'; token: string }[] = [];
  for (let n = FIRST_TOKEN; tokens.length < OF_EACH; n++) {
    const token = tokenOf(n);
    if (tokenFate(token, BAD_TOKENS) === 'good') tokens.push({ platform, token });
  }
  return tokens;
}
