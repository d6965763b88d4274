import { createHash } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import {
  IDENTIFIER_KINDS,
  type Identifier,
  type IdentifierFault,
  type IdentifierKind,
  readIdentifier,
  ZERO_IDS,
} from '../../domain/devices/identifier.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';

/** The digests under which an identifier is found, one per form in which a caller may give it. */
export interface Digests {
  readonly kind: IdentifierKind;
  readonly digests: readonly Buffer[];
}

const hash = (algorithm: 'md5' | 'sha256', text: string) => createHash(algorithm).update(text).digest();
const ZERO_DIGESTS = new Set(
  ZERO_IDS.flatMap((zeros) => [hash('md5', zeros).toString('hex'), hash('sha256', zeros).toString('hex')]),
);

export function digestsOf(kind: IdentifierKind, text: string): Digests | IdentifierFault {
  const identifier = readIdentifier(kind, text);
  if (typeof identifier === 'string') return identifier;
  if (identifier.form !== 'raw' && ZERO_DIGESTS.has(identifier.hex)) return 'all_zeros';
  return { kind, digests: digest(identifier) };
}

/** Digests of both cases, because partners hash an identifier in upper or in lower case. */
function digest(identifier: Identifier): Buffer[] {
  if (identifier.form !== 'raw') return [Buffer.from(identifier.hex, 'hex')];
  return identifier.cases.flatMap((text) => [hash('sha256', text), hash('md5', text)]);
}

export function identifierCode(kind: IdentifierKind): number {
  return IDENTIFIER_KINDS.indexOf(kind);
}

/** Null digests remove the device's identifier of that kind. */
export type IdentifierChanges = readonly (
  | Digests
  | { readonly kind: IdentifierKind; readonly digests: null }
)[];

/** Stores identifiers. Each belongs to the device that reported it last. */
export async function putIdentifiers(
  trx: Transaction<Schema>,
  device: { appId: string; no: number },
  changes: IdentifierChanges,
): Promise<void> {
  if (changes.length === 0) return;
  await trx
    .deleteFrom('device_identifiers')
    .where('device_no', '=', device.no)
    .where(
      'kind',
      'in',
      changes.map(({ kind }) => identifierCode(kind)),
    )
    .execute();
  const { kinds, digests } = flat(changes);
  if (kinds.length === 0) return;
  // The previous device loses all forms of the identifier, so that no other form finds it.
  await sql`
    delete from device_identifiers held
    using (
      select own.device_no, own.kind
      from unnest(${kinds}::smallint[], ${digests}::bytea[]) given (kind, digest)
      join device_identifiers own
        on own.app_id = ${device.appId} and own.kind = given.kind and own.digest = given.digest
    ) lost
    where held.device_no = lost.device_no and held.kind = lost.kind`.execute(trx);
  await sql`
    insert into device_identifiers (app_id, kind, digest, device_no)
    select ${device.appId}, kind, digest, ${device.no}::bigint
    from unnest(${kinds}::smallint[], ${digests}::bytea[]) given (kind, digest)
    order by kind, digest
    on conflict (app_id, kind, digest) do update
      set device_no = excluded.device_no`.execute(trx);
}

/** Finds the devices that own any of the identifiers. */
export async function findByIdentifiers(
  db: Db,
  appId: string,
  wanted: readonly Digests[],
): Promise<number[]> {
  const { kinds, digests } = flat(wanted);
  const { rows } = await sql<{ no: number }>`
    select distinct held.device_no as no
    from unnest(${kinds}::smallint[], ${digests}::bytea[]) given (kind, digest)
    join device_identifiers held
      on held.app_id = ${appId} and held.kind = given.kind and held.digest = given.digest`.execute(db);
  return rows.map(({ no }) => no);
}

function flat(changes: IdentifierChanges): { kinds: number[]; digests: Buffer[] } {
  const pairs = changes.flatMap(({ kind, digests }) =>
    (digests ?? []).map((one) => ({ kind: identifierCode(kind), digest: one })),
  );
  return { kinds: pairs.map(({ kind }) => kind), digests: pairs.map((pair) => pair.digest) };
}
