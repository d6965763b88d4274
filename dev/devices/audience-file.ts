import { type BadRow, type CsvFile, CsvWriter } from './csv-file.ts';
import type { GeneratedDevice } from './population.ts';
import type { Random } from './random.ts';

export interface AudienceFile extends CsvFile {
  /** Number of lines that repeat an ID of the file. */
  readonly repeated: number;
  readonly deviceIds: ReadonlySet<string>;
  readonly userIds: ReadonlySet<string>;
}

const SHARES = { device: 0.8, user: 0.12, repeated: 0.01, unknownDevice: 0.01, unknownUser: 0.005 };
const TOO_LONG = 'x'.repeat(201);

/** One bad row of each kind that the upload has to tell apart. */
const BAD_ROWS: readonly (readonly [string, BadRow])[] = [
  ['device-1,user-1', { field: null, reason: 'both_ids' }],
  ['" ",', { field: null, reason: 'missing_id' }],
  ['two words,', { field: 'device_id', reason: 'invalid_id' }],
  [`,${TOO_LONG}`, { field: 'user_id', reason: 'too_long' }],
  ['device-1,,more', { field: null, reason: 'wrong_number_of_fields' }],
  ['"device-1,', { field: null, reason: 'unbalanced_quotes' }],
];

/** Most devices by their own ID, some users, unknown IDs, repeated lines and bad ones. */
export function writeAudienceFile(
  path: string,
  devices: readonly GeneratedDevice[],
  random: Random,
): AudienceFile {
  const deviceIds = chooseDevices(devices, random);
  const userIds = chooseUsers(devices, random);
  const file = new CsvWriter(path, ['device_id', 'user_id']);
  let repeated = 0;
  function list(line: string): void {
    file.add(line);
    if (!random.chance(SHARES.repeated)) return;
    repeated++;
    file.add(line);
  }
  for (const id of deviceIds) list(`${id},`);
  for (const [line, bad] of BAD_ROWS) file.add(line, bad);
  for (const id of userIds) list(`,${id}`);
  return { ...file.close(), repeated, deviceIds, userIds };
}

function chooseDevices(devices: readonly GeneratedDevice[], random: Random): Set<string> {
  const known = devices.filter(() => random.chance(SHARES.device)).map((device) => device.deviceId);
  return new Set([...known, ...unknownIds('gone', devices.length * SHARES.unknownDevice)]);
}

function chooseUsers(devices: readonly GeneratedDevice[], random: Random): Set<string> {
  const all = new Set(devices.flatMap(({ userId }) => userId ?? []));
  const known = [...all].filter(() => random.chance(SHARES.user));
  return new Set([...known, ...unknownIds('nobody', devices.length * SHARES.unknownUser)]);
}

function unknownIds(prefix: string, count: number): string[] {
  return Array.from({ length: Math.ceil(count) }, (_, n) => `${prefix}-${n + 1}`);
}
