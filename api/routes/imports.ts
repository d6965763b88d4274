import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { importDevices } from '../../db/device-import.ts';
import { recordAuditEntry } from '../audit-actions.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps, App } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON } from '../openapi.ts';
import { problemResponses } from '../problem.ts';
import { RowError, SHOWN_ERRORS } from '../upload/bad-rows.ts';
import {
  acceptStreams,
  bytesOf,
  CSV,
  contentTypeOf,
  NDJSON,
  uploadBody,
  withUploadSlot,
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
    /** The first 1,000. */
    errors: z.array(RowError),
  })
  .meta({ id: 'DeviceImport' });

const READER = { known: DEVICE_COLUMNS, required: ['device_id', 'platform'], read: toDeviceRow } as const;

export async function importRoutes(app: App, deps: ApiDeps): Promise<void> {
  acceptStreams(app, [CSV, NDJSON]);
  app.post(
    '/v1/devices/import',
    {
      ...idempotent(deps),
      onRequest: app.guard.may('devices.import'),
      schema: {
        ...PERSON,
        ...uploadBody(CSV, NDJSON),
        operationId: 'importDevices',
        description:
          'One device per line; a field must not contain a line break. Good rows are imported, bad ones are reported ' +
          'by line. A column or field that is left out keeps what a known device has, an empty one clears it.',
        response: { 200: Imported, ...problemResponses(409, 413, 415, 422) },
      },
    },
    async (request) => withUploadSlot(deps.pool, () => importFile(deps, request)),
  );
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
