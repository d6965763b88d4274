import type { Pool } from 'pg';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import type { BenchOptions } from './options.ts';

type Platforms = BenchOptions['platform'];

/** With both platforms every second device is iOS. */
export function isIos(n: number, platforms: Platforms): boolean {
  return platforms === 'ios' || (platforms === 'both' && n % 2 === 1);
}

/**
 * Registers devices by one statement, with tokens that the simulators accept: 64 hex digits for APNs, and
 * text as long as a registration token for FCM. `salt` makes the tokens of two apps differ.
 */
export async function insertDevices(
  pool: Pool,
  devices: { appId: string; count: number; platforms: Platforms; salt: string },
): Promise<void> {
  const { appId, count, platforms, salt } = devices;
  await pool.query(
    `insert into devices
       (app_id, device_id, platform, channel, token, token_state, token_registered_at, created_at, updated_at)
     select $1, 'device-' || lpad(n::text, 8, '0'), case when ios then ${PLATFORM_CODE.ios} else ${PLATFORM_CODE.android} end,
       case when ios then 'apns' else 'fcm' end,
       case when ios then encode(sha256(convert_to($2 || n, 'utf8')), 'hex')
         else left(encode(sha256(convert_to($2 || n, 'utf8')), 'hex'), 22) || ':APA91b' ||
           encode(sha512(convert_to($2 || n, 'utf8')), 'hex') end,
       'active', now(), now(), now()
     from (select n, $3 = 'ios' or ($3 = 'both' and n % 2 = 1) as ios from generate_series(1, $4::int) n) numbers`,
    [appId, salt, platforms, count],
  );
  await pool.query('vacuum analyze devices');
}
