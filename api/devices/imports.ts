import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { importDevices, NothingStaged } from '../../db/devices/device-import.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { isPermitted } from '../access/permissions.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { acceptStreams, CSV, fileOf, formatOf, limitUploads, NDJSON, uploadBody } from '../upload/body.ts';
import { UNKNOWN_COLUMNS } from '../upload/columns.ts';
import { deviceReader } from '../upload/device-reader.ts';
import { PRESET_NAMES } from '../upload/presets.ts';
import { RowCounts, SHOWN_ERRORS } from '../upload/row-report.ts';
import { newTally, readRows } from '../upload/rows.ts';
import { noGoodRow, storeReport } from '../upload/stored-report.ts';
import { DATE_ORDERS } from '../upload/values.ts';

const Imported = z
  .object({
    rows: z.number(),
    imported: z.number(),
    created: z.number(),
    updated: z.number(),
    /** Rows whose device comes again later in the file. The last row counts. */
    repeated: z.number(),
    /** The first 1,000 of them. */
    repeatedLines: z.array(z.number()),
    ...RowCounts.shape,
    /** Devices whose opt-out the file would have lifted, and that stay unsubscribed. */
    optOutsKept: z.number(),
    /** Devices whose opt-out was lifted with `resubscribe=true`. */
    resubscribed: z.number(),
    /** The address of all faults as CSV, for a week. Null when nothing is wrong. */
    report: z.string().nullable(),
  })
  .meta({ id: 'DeviceImport' });

const Query = z.strictObject({
  unknownColumns: z.enum(UNKNOWN_COLUMNS).default('ignore'),
  preset: z.enum(PRESET_NAMES).optional(),
  dateOrder: z.enum(DATE_ORDERS).optional(),
  /** Rows that say so lift opt-outs. Only operators may. */
  resubscribe: z.stringbool().default(false),
});
type Query = z.infer<typeof Query>;

const EXAMPLE = {
  [CSV]: 'device_id,platform,tags\nphone-1,ios,customer;vip\n',
  [NDJSON]: '{"deviceId":"phone-1","platform":"ios","tags":["customer","vip"]}\n',
};

export async function importRoutes(app: App, deps: ApiDeps): Promise<void> {
  acceptStreams(app);
  route(app, {
    method: 'POST',
    path: '/v1/devices/import',
    access: 'devices.import',
    audit: AUDIT_ACTIONS.importDevices,
    idempotent: true,
    schema: {
      operationId: 'importDevices',
      summary: 'Import devices from a file',
      tags: ['devices'],
      example: EXAMPLE,
      description:
        'One device per line. A field must not contain a line break. Valid rows are imported, and invalid rows are ' +
        'reported by line. An omitted column or field keeps the value of a known device. An empty one clears it, ' +
        'but says nothing about consent. A preset reads the export of another product as it is.',
      ...uploadBody(CSV, NDJSON),
      querystring: Query,
      response: { 200: Imported },
    },
    problems: [409, 413, 415, 422],
    handler: async (request) => {
      const query = request.query;
      if (query.resubscribe) checkMayResubscribe(request);
      return await limitUploads(deps.pool, () => importFile(deps, request, query));
    },
  });
}

/** Lifting opt-outs is a decision about consent, which a list of a marketer must not make. */
function checkMayResubscribe(request: FastifyRequest): void {
  const { role } = personOf(request);
  if (isPermitted(role, 'devices.resubscribe')) return;
  throw new Problem(
    'forbidden',
    `The role ${role} may not lift opt-outs; only operators may use resubscribe=true`,
  );
}

async function importFile({ clock, pool, db }: ApiDeps, request: FastifyRequest, query: Query) {
  const { appId } = personOf(request);
  const now = await clock();
  const { resubscribe: resubscribes } = query;
  const tally = newTally<string>();
  const file = await fileOf(request);
  const rows = readRows(file, formatOf(request, 'csv'), deviceReader({ ...query, now }), tally);
  const args = { appId, now, rows, resubscribes, shownDuplicates: SHOWN_ERRORS };
  const result = await importDevices(pool, args).catch((error: unknown) => {
    throw error instanceof NothingStaged ? noGoodRow(tally.report, 'nothing was changed') : error;
  });
  const { created, updated, duplicates, duplicateLines, optOutsKept, resubscribed } = result;
  const counts = tally.report.counts();
  const detail =
    `rows: ${tally.rows}, created: ${created}, updated: ${updated}, bad: ${counts.badRows}` +
    (resubscribes ? `, resubscribed: ${resubscribed}` : '');
  await recordAuditEntry(db, request, { detail, now: await clock() });
  return {
    rows: tally.rows,
    imported: created + updated,
    created,
    updated,
    repeated: duplicates,
    repeatedLines: [...duplicateLines],
    ...counts,
    optOutsKept,
    resubscribed,
    report: await storeReport(db, { appId, report: tally.report, now }),
  };
}
