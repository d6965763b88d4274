import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { importDevices } from '../../db/devices/device-import.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { RowError, SHOWN_ERRORS } from '../upload/bad-rows.ts';
import {
  acceptStreams,
  bytesOf,
  CSV,
  contentTypeOf,
  limitUploads,
  NDJSON,
  uploadBody,
} from '../upload/body.ts';
import { DEVICE_COLUMNS, type DeviceColumn, toDeviceRow } from '../upload/device-rows.ts';
import { newTally, readRows } from '../upload/rows.ts';

const Imported = z
  .object({
    rows: z.number(),
    imported: z.number(),
    created: z.number(),
    updated: z.number(),
    badRows: z.number(),
    /** The first 1,000 errors, in the order of the lines. */
    errors: z.array(RowError),
  })
  .meta({ id: 'DeviceImport' });

const READER = { known: DEVICE_COLUMNS, required: ['device_id', 'platform'], read: toDeviceRow } as const;

const EXAMPLE = {
  [CSV]: 'device_id,platform,tags\nphone-1,ios,customer;vip\n',
  [NDJSON]: '{"deviceId":"phone-1","platform":"ios","tags":["customer","vip"]}\n',
};

export async function importRoutes(app: App, deps: ApiDeps): Promise<void> {
  acceptStreams(app, [CSV, NDJSON]);
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
        'reported by line. An omitted column or field keeps the value of a known device. An empty one clears it.',
      ...uploadBody(CSV, NDJSON),
      response: { 200: Imported },
    },
    problems: [409, 413, 415, 422],
    handler: async (request) => limitUploads(deps.pool, () => importFile(deps, request)),
  });
}

async function importFile({ clock, pool, db }: ApiDeps, request: FastifyRequest) {
  const format = contentTypeOf(request) === CSV ? 'csv' : 'ndjson';
  const tally = newTally<DeviceColumn>();
  const result = await importDevices(pool, {
    appId: personOf(request).appId,
    now: await clock(),
    rows: readRows(bytesOf(request), format, READER, tally),
    shownDuplicates: SHOWN_ERRORS,
  });
  const { created, updated, duplicates, duplicateLines } = result;
  tally.bad.addLater(duplicateLines, duplicates, 'device_id', 'duplicate_in_file');
  const detail = `rows: ${tally.rows}, created: ${created}, updated: ${updated}, bad: ${tally.bad.count}`;
  await recordAuditEntry(db, request, { detail, now: await clock() });
  return {
    rows: tally.rows,
    imported: created + updated,
    created,
    updated,
    badRows: tally.bad.count,
    errors: tally.bad.first(),
  };
}
