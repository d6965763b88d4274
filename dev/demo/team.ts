import { z } from 'zod';
import type { DeviceSimulator } from '../devices/device-simulator.ts';
import { apnsToken, fcmToken, tokenFate } from '../simulators/tokens.ts';
import type { Environment } from './environment.ts';
import { BAD_TOKENS } from './plan.ts';

/** Devices in no other audience, so that their deliveries and reports can be told apart. */
export interface Team {
  readonly audienceId: string;
  readonly size: number;
  readonly ofEachPlatform: number;
  readonly devices: DeviceSimulator;
  readonly concerns: (token: string) => boolean;
}

const OF_EACH = 20;
/** Higher than every token number of the largest population. */
const FIRST_TOKEN = 10_000_000;

const Imported = z.object({ created: z.int() });
const Uploaded = z.object({ id: z.string() });

export async function createTeam({ marketer, startDevices }: Environment): Promise<Team> {
  const ios = goodTokens(apnsToken);
  const tokens = [...ios, ...goodTokens(fcmToken)];
  const rows = tokens.map((token, n) => `team-${n},${n < ios.length ? 'ios' : 'android'},${token}`);
  await marketer.upload('/v1/devices/import', csv('device_id,platform,token', rows), Imported);
  const members = csv(
    'device_id,user_id',
    tokens.map((_, n) => `team-${n},`),
  );
  const { id } = await marketer.upload('/v1/audiences/upload?name=Team', members, Uploaded);
  const known = new Set(tokens);
  const concerns = (token: string) => known.has(token);
  return {
    audienceId: id,
    size: tokens.length,
    ofEachPlatform: OF_EACH,
    devices: await startDevices(concerns),
    concerns,
  };
}

function goodTokens(tokenOf: (n: number) => string): string[] {
  const tokens: string[] = [];
  for (let n = FIRST_TOKEN; tokens.length < OF_EACH; n++) {
    const token = tokenOf(n);
    if (tokenFate(token, BAD_TOKENS) === 'good') tokens.push(token);
  }
  return tokens;
}

function csv(header: string, rows: readonly string[]): Blob {
  return new Blob([[header, ...rows, ''].join('\n')], { type: 'text/csv' });
}
