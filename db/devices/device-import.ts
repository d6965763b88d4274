import type { Pool, PoolClient } from 'pg';
import { type AddressKind, channelOfKind, stateOfAddress, USUAL_KIND } from '../../domain/devices/address.ts';
import type { Platform } from '../../domain/platform.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import { arrayLiteral, copyInto, copyText, withCopyClient } from '../core/copy.ts';
import { type IdentifierChanges, identifierCode } from './device-identifiers.ts';
import { bitOf, bitOfIdentifier, OPTIONAL_FIELDS } from './device-import-bits.ts';
import { dropDuplicates, mergeStaged } from './device-merge.ts';
import { STAGING } from './device-merge-sql.ts';

/** A row of an import. Undefined keeps the value of a known device, null clears it. */
export interface DeviceImportRow {
  readonly line: number;
  readonly deviceId: string;
  readonly platform: Platform;
  /** Undefined means the platform's usual kind. */
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
  /** Rows whose device occurs again later in the file. */
  readonly duplicates: number;
  readonly duplicateLines: readonly number[];
}

interface ImportArgs {
  readonly appId: string;
  readonly now: Date;
  readonly rows: AsyncIterable<readonly DeviceImportRow[]>;
  readonly shownDuplicates: number;
}

/** Imports all rows or none. The last row of a device, and the last row of a token, wins. */
export async function importDevices(pool: Pool, args: ImportArgs): Promise<DeviceImportResult> {
  return withCopyClient(pool, async (client) => {
    await prepareStaging(client);
    const seen = { identifiers: false };
    const rows = await copyInto(client, 'staged', encoded(args.rows, seen));
    await client.query('analyze staged');
    const duplicates = await dropDuplicates(client, args.shownDuplicates);
    // Imports of an app take turns, because two would lock devices in different orders and deadlock.
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`import ${args.appId}`]);
    const staged = rows - duplicates.duplicates;
    const merged = await mergeStaged(client, { ...args, staged, hasIdentifiers: seen.identifiers });
    return { ...duplicates, ...merged };
  });
}

/** Memory for the sorts and hashes that find duplicates. */
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

/** A line of COPY, with the values in the order of the columns of STAGING. */
function encodeRow(row: DeviceImportRow): string {
  const kind = row.addressKind ?? USUAL_KIND[row.platform];
  const state = row.token ? stateOfAddress({ kind, token: row.token }) : '\\N';
  const tags = row.tags === undefined || row.tags.length === 0 ? '{}' : copyText(arrayLiteral(row.tags));
  const values = [
    row.line,
    PLATFORM_CODE[row.platform],
    givenBits(row),
    copyText(row.deviceId),
    channelOfKind(kind),
    kind,
    copyText(row.token),
    copyText(row.userId),
    copyText(row.timeZone),
    copyText(row.locale),
    copyText(row.appVersion),
    tags,
    copyText(row.attributes ?? '{}'),
    row.lastActiveAt ?? '\\N',
    row.unsubscribed ?? '\\N',
    encodeIdentifiers(row.identifiers),
    state,
  ];
  return `${values.join('\t')}\n`;
}

function givenBits(row: DeviceImportRow): number {
  let bits = 0;
  for (const field of OPTIONAL_FIELDS) if (row[field] !== undefined) bits |= bitOf(field);
  for (const { kind } of row.identifiers) bits |= bitOfIdentifier(identifierCode(kind));
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
