import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { DEVICE_FILE_COLUMNS } from '../../dev/devices/device-file.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';

const ZONES = ['Europe/Berlin', 'Asia/Shanghai', 'America/New_York', 'Asia/Tokyo'];
const LOCALES = ['de-DE', 'zh-CN', 'en-US', 'ja-JP'];

/** The columns for COPY into the table itself, with those that the import computes. */
export const TABLE_COLUMNS =
  'app_id, device_id, platform, channel, address_kind, token, token_state, token_registered_at, user_id, ' +
  'time_zone, locale, app_version, tags, attributes, created_at, updated_at';

function deviceOf(n: number, salt: string) {
  const isIos = n % 2 === 0;
  const hash = createHash('sha256').update(`${salt}${n}`);
  return {
    id: `device-${salt}-${n.toString().padStart(8, '0')}`,
    platform: isIos ? ('ios' as const) : ('android' as const),
    channel: isIos ? 'apns' : 'fcm',
    kind: isIos ? 'apns_token' : 'fcm_token',
    token: isIos
      ? hash.digest('hex')
      : `${hash.copy().digest('base64url').slice(0, 22)}:APA91b${hash.digest('base64url')}`,
    user: `user-${Math.floor((n * 7) / 10)}`,
    zone: ZONES[n % 4],
    locale: LOCALES[n % 4],
    version: `4.${n % 10}.0`,
    plan: n % 3 === 0 ? 'gold' : 'free',
    age: n % 90,
  };
}

function csvRow(n: number, salt: string): string {
  const { id, platform, token, user, zone, locale, version, plan, age } = deviceOf(n, salt);
  return `${id},${platform},${token},${user},${zone},${locale},${version},new;${plan},"{""plan"":""${plan}"",""age"":${age}}"\n`;
}

function copyRow(n: number, salt: string, appId: string, now: string): string {
  const { id, platform, channel, kind, token, user, zone, locale, version, plan, age } = deviceOf(n, salt);
  return `${appId}\t${id}\t${PLATFORM_CODE[platform]}\t${channel}\t${kind}\t${token}\tactive\t${now}\t${user}\t${zone}\t${locale}\t${version}\t{new,${plan}}\t{"plan":"${plan}","age":${age}}\t${now}\t${now}\n`;
}

/** The numbers that an import has to find. */
export interface Expected {
  readonly created: number;
  readonly badRows: number;
}

export async function writeCsv(file: string, rows: number, salt: string): Promise<Expected> {
  await writeLines(file, rows, (n) => csvRow(n, salt), `${DEVICE_FILE_COLUMNS.join(',')}\n`);
  return { created: rows, badRows: 0 };
}

const GOOD_OF = 10;
const TOO_LONG = `${'y'.repeat(70_000)}\n`;

/** One row in ten is good, and each thousandth line is too long. */
export async function writeBadCsv(file: string, rows: number, salt: string): Promise<Expected> {
  const isGood = (n: number) => n % GOOD_OF === 0;
  const row = (n: number) => {
    if (isGood(n)) return csvRow(n, salt);
    return n % 1_000 === 1 ? TOO_LONG : `x${n},${n % 2 === 0 ? 'symbian' : 'ios'},zz,a b,,,,,{oops\n`;
  };
  await writeLines(file, rows, row, `${DEVICE_FILE_COLUMNS.join(',')}\n`);
  const created = Math.ceil(rows / GOOD_OF);
  return { created, badRows: rows - created };
}

export async function writeCopy(file: string, rows: number, salt: string, appId: string): Promise<void> {
  const now = new Date().toISOString();
  await writeLines(file, rows, (n) => copyRow(n, salt, appId, now), '');
}

const LINES_AT_ONCE = 5_000;

async function writeLines(
  file: string,
  rows: number,
  line: (n: number) => string,
  head: string,
): Promise<void> {
  const out = createWriteStream(file);
  out.write(head);
  for (let from = 0; from < rows; from += LINES_AT_ONCE) {
    let text = '';
    for (let n = from; n < Math.min(rows, from + LINES_AT_ONCE); n++) text += line(n);
    if (!out.write(text)) await new Promise<void>((resolve) => out.once('drain', resolve));
  }
  out.end();
  await finished(out);
}
