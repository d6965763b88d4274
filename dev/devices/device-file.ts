import { apnsToken } from '../simulators/tokens.ts';
import { type BadRow, type CsvFile, CsvWriter, csvLine } from './csv-file.ts';
import type { GeneratedDevice } from './population.ts';
import type { Random } from './random.ts';

export const DEVICE_FILE_COLUMNS = [
  'device_id',
  'platform',
  'token',
  'user_id',
  'time_zone',
  'locale',
  'app_version',
  'tags',
  'attributes',
] as const;

const SHARES = { twice: 0.01, bad: 0.005 };

type Columns = { readonly [Name in (typeof DEVICE_FILE_COLUMNS)[number]]?: string | null };

function line(columns: Columns): string {
  return csvLine(DEVICE_FILE_COLUMNS.map((name) => columns[name] ?? null));
}

const SOUND = { device_id: 'bad-1', platform: 'ios', token: apnsToken(0) } as const;

/** One bad row of each kind that the import has to tell apart. */
const BAD_ROWS: readonly [readonly [string, BadRow], ...(readonly [string, BadRow])[]] = [
  [line({ ...SOUND, device_id: '' }), { field: 'device_id', reason: 'missing' }],
  [line({ ...SOUND, device_id: 'two words' }), { field: 'device_id', reason: 'invalid_id' }],
  [line({ ...SOUND, platform: 'symbian' }), { field: 'platform', reason: 'unknown_platform' }],
  [line({ ...SOUND, platform: 'web' }), { field: 'token', reason: 'invalid_token' }],
  [line({ ...SOUND, token: 'no-token-at-all' }), { field: 'token', reason: 'invalid_token' }],
  [line({ ...SOUND, user_id: '8.61E+17' }), { field: 'user_id', reason: 'rounded_by_spreadsheet' }],
  [line({ ...SOUND, attributes: '{"plan":' }), { field: 'attributes', reason: 'invalid_json' }],
  ['bad-1,ios', { field: null, reason: 'wrong_number_of_fields' }],
  ['"bad-1,ios,,,,,,,', { field: null, reason: 'unbalanced_quotes' }],
];

/** Every device, some with an older row before their last one, and bad rows in between. */
export function writeDeviceFile(path: string, devices: readonly GeneratedDevice[], random: Random): CsvFile {
  const file = new CsvWriter(path, DEVICE_FILE_COLUMNS);
  // Small files have bad rows too.
  for (const [text, bad] of BAD_ROWS) file.add(text, bad);
  for (const device of devices) {
    if (random.chance(SHARES.bad)) file.add(...random.pick(BAD_ROWS));
    if (random.chance(SHARES.twice)) file.add(rowOf({ ...device, appVersion: '3.0.0' }));
    file.add(rowOf(device));
  }
  return file.close();
}

function rowOf(device: GeneratedDevice): string {
  return line({
    device_id: device.deviceId,
    platform: device.platform,
    token: device.token,
    user_id: device.userId,
    time_zone: device.timeZone,
    locale: device.locale,
    app_version: device.appVersion,
    tags: device.tags,
    attributes: device.attributes,
  });
}
