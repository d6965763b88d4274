import type { Pool, PoolClient } from 'pg';
import { type AddressKind, channelOfKind, stateOfAddress, USUAL_KIND } from '../../domain/devices/address.ts';
import type { Platform } from '../../domain/platform.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import { arrayLiteral, copyInto, copyText, withCopyClient } from '../core/copy.ts';
import { type IdentifierChanges, identifierCode } from './device-identifiers.ts';
import { bitOf, bitOfIdentifier, MERGES_ATTRIBUTES, OPTIONAL_FIELDS } from './device-import-bits.ts';
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
  /** Attributes that the row does not name keep their values. */
  readonly mergesAttributes: boolean;
  /** ISO 8601. */
  readonly lastActiveAt: string | null | undefined;
  /** ISO 8601: since when the device wants no messages. Null: it wants them. Undefined: the row does not say. */
  readonly unsubscribedAt: string | null | undefined;
  readonly identifiers: IdentifierChanges;
}

export interface DeviceImportResult {
  readonly created: number;
  readonly updated: number;
  /** Rows whose device occurs again later in the file. */
  readonly duplicates: number;
  readonly duplicateLines: readonly number[];
  /** Devices that stay unsubscribed although a row says otherwise. */
  readonly optOutsKept: number;
  readonly resubscribed: number;
}

/** No row came, and nothing was changed. */
export class NothingStaged extends Error {
  override name = 'NothingStaged';
}

interface ImportArgs {
  readonly appId: string;
  readonly now: Date;
  readonly rows: AsyncIterable<readonly DeviceImportRow[]>;
  readonly shownDuplicates: number;
  /** Whether a row may lift an opt-out. */
  readonly resubscribes?: boolean;
}

/** Imports all rows or none. The last row of a device, and the last row of a token, wins. */
export async function importDevices(pool: Pool, args: ImportArgs): Promise<DeviceImportResult> {
  return withCopyClient(pool, async (client) => {
    await prepareStaging(client);
    const seen = { identifiers: false, optOuts: false };
    const rows = await copyInto(client, 'staged', encoded(args.rows, seen));
    if (rows === 0) throw new NothingStaged();
    await client.query('analyze staged');
    const duplicates = await dropDuplicates(client, args.shownDuplicates, seen.optOuts);
    // Imports of an app take turns, because two would lock devices in different orders and deadlock.
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`import ${args.appId}`]);
    const staged = rows - duplicates.duplicates;
    const merged = await mergeStaged(client, {
      ...args,
      resubscribes: args.resubscribes ?? false,
      staged,
      hasIdentifiers: seen.identifiers,
    });
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
  seen: { identifiers: boolean; optOuts: boolean },
): AsyncGenerator<string> {
  for await (const rows of batches) {
    let lines = '';
    for (const row of rows) {
      seen.identifiers ||= row.identifiers.length > 0;
      seen.optOuts ||= typeof row.unsubscribedAt === 'string';
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
    row.unsubscribedAt ?? '\\N',
    encodeIdentifiers(row.identifiers),
    state,
  ];
  return `${values.join('\t')}\n`;
}

function givenBits(row: DeviceImportRow): number {
  let bits = 0;
  for (const field of OPTIONAL_FIELDS) if (row[field] !== undefined) bits |= bitOf(field);
  if (row.mergesAttributes) bits |= MERGES_ATTRIBUTES;
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
