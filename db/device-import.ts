import type { Pool, PoolClient } from 'pg';
import { type AddressKind, channelOfKind, stateOfAddress, USUAL_KIND } from '../domain/address.ts';
import { PLATFORM_CODE } from '../domain/delivery.ts';
import type { Platform } from '../domain/platform.ts';
import { arrayLiteral, copyInto, copyText, withCopyClient } from './copy.ts';
import { type IdentifierChanges, identifierCode } from './device-identifiers.ts';
import { dropDuplicates, mergeStaged, STAGING } from './device-merge.ts';

/** Undefined keeps what a known device has; null clears it. */
export interface DeviceImportRow {
  readonly line: number;
  readonly deviceId: string;
  readonly platform: Platform;
  /** Undefined is the usual one of the platform. */
  readonly addressKind: AddressKind | undefined;
  readonly token: string | null | undefined;
  readonly userId: string | null | undefined;
  readonly timeZone: string | null | undefined;
  readonly locale: string | null | undefined;
  readonly appVersion: string | null | undefined;
  readonly tags: readonly string[] | undefined;
  /** JSON. */
  readonly attributes: string | undefined;
  /** ISO 8601. */
  readonly lastActiveAt: string | null | undefined;
  readonly unsubscribed: boolean | undefined;
  readonly identifiers: IdentifierChanges;
}

export interface DeviceImportResult {
  readonly created: number;
  readonly updated: number;
  /** Rows of a device that comes again later in the file. */
  readonly duplicates: number;
  readonly duplicateLines: readonly number[];
}

interface ImportArgs {
  readonly appId: string;
  readonly now: Date;
  readonly rows: AsyncIterable<readonly DeviceImportRow[]>;
  readonly shownDuplicates: number;
}

/** All or nothing: a stream that breaks off leaves no trace. The last row of a device, and of a token, wins. */
export async function importDevices(pool: Pool, args: ImportArgs): Promise<DeviceImportResult> {
  return withCopyClient(pool, async (client) => {
    await prepareStaging(client);
    const seen = { identifiers: false };
    const rows = await copyInto(client, 'staged', encoded(args.rows, seen));
    await client.query('analyze staged');
    const duplicates = await dropDuplicates(client, args.shownDuplicates);
    // One import of an app at a time: two would lock each other's devices in different orders.
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`import ${args.appId}`]);
    const staged = rows - duplicates.duplicates;
    const merged = await mergeStaged(client, { ...args, staged, hasIdentifiers: seen.identifiers });
    return { ...duplicates, ...merged };
  });
}

/** For the sorts and hashes that find duplicates. */
const SORT_MEMORY = '64MB';

async function prepareStaging(client: PoolClient): Promise<void> {
  await client.query(STAGING);
  await client.query(`set local work_mem = '${SORT_MEMORY}'`);
}

async function* encoded(
  batches: AsyncIterable<readonly DeviceImportRow[]>,
  seen: { identifiers: boolean },
): AsyncGenerator<string> {
  for await (const rows of batches) {
    let lines = '';
    for (const row of rows) {
      seen.identifiers ||= row.identifiers.length > 0;
      lines += encodeRow(row);
    }
    yield lines;
  }
}

/** The bits of `given` in device-merge.ts, in this order; after them one for each kind of identifier. */
const GIVEN = [
  'token',
  'userId',
  'timeZone',
  'locale',
  'appVersion',
  'tags',
  'attributes',
  'lastActiveAt',
  'unsubscribed',
] as const satisfies readonly (keyof DeviceImportRow)[];

function encodeRow(row: DeviceImportRow): string {
  const kind = row.addressKind ?? USUAL_KIND[row.platform];
  const state = row.token ? stateOfAddress({ kind, token: row.token }) : '\\N';
  const tags = row.tags === undefined || row.tags.length === 0 ? '{}' : copyText(arrayLiteral(row.tags));
  return `${row.line}\t${PLATFORM_CODE[row.platform]}\t${givenBits(row)}\t${copyText(row.deviceId)}\t${channelOfKind(kind)}\t${kind}\t${copyText(row.token)}\t${copyText(row.userId)}\t${copyText(row.timeZone)}\t${copyText(row.locale)}\t${copyText(row.appVersion)}\t${tags}\t${copyText(row.attributes ?? '{}')}\t${row.lastActiveAt ?? '\\N'}\t${row.unsubscribed ?? '\\N'}\t${encodeIdentifiers(row.identifiers)}\t${state}\n`;
}

function givenBits(row: DeviceImportRow): number {
  let bits = 0;
  for (let i = 0; i < GIVEN.length; i++) {
    const field = GIVEN[i];
    if (field !== undefined && row[field] !== undefined) bits |= 1 << i;
  }
  for (const { kind } of row.identifiers) bits |= 1 << (GIVEN.length + identifierCode(kind));
  return bits;
}

/** The kind's digit and the digest in hexadecimal. */
function encodeIdentifiers(identifiers: IdentifierChanges): string {
  if (identifiers.length === 0) return '\\N';
  const texts = identifiers.flatMap(({ kind, digests }) =>
    (digests ?? []).map((digest) => `${identifierCode(kind)}${digest.toString('hex')}`),
  );
  return `{${texts.join(',')}}`;
}
