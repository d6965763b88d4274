import { Readable } from 'node:stream';
import { z } from 'zod';
import { CursorError } from '../../db/core/paging.ts';
import { findByIdentifiers } from '../../db/devices/device-identifiers.ts';
import { findDevices, listDevices } from '../../db/devices/device-list.ts';
import { EXTERNAL_ID } from '../../domain/devices/device.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { appIdOf, personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { BomQuery } from '../csv/csv-export.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import type { Fault } from '../http/problem.ts';
import { Label, Page, PageQuery } from '../http/schemas.ts';
import { CSV, NDJSON } from '../upload/body.ts';
import { invalid, readIdentifiers } from './device-change.ts';
import { EXPORT_FORMATS, exportDevices } from './device-export.ts';
import { DeviceBody, DeviceId, Identifiers, TokenState } from './device-schemas.ts';

const Filter = z.strictObject({
  platform: z.enum(PLATFORMS).optional(),
  channel: Label(50).optional(),
  userId: DeviceId.optional(),
  tag: Label(100).optional(),
  tokenState: TokenState.optional(),
  unsubscribed: z.stringbool().optional(),
  deviceId: DeviceId.optional().describe('A prefix of the device ID'),
});

export async function deviceListRoutes(app: App, deps: ApiDeps): Promise<void> {
  listing(app, deps);
  lookingUp(app, deps);
  exporting(app, deps);
}

function listing(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/devices',
    access: 'devices.read',
    schema: {
      operationId: 'listDevices',
      summary: 'List devices',
      tags: ['devices'],
      description: 'Lists devices in the order of their IDs.',
      querystring: z.strictObject({ ...Filter.shape, ...PageQuery.shape }),
      response: { 200: Page(DeviceBody) },
    },
    handler: async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const after = decodeDeviceId(cursor);
      const query = { appId: appIdOf(request), filter, after, limit: limit + 1, now: await deps.clock() };
      const devices = await listDevices(deps.db, query);
      const items = devices.slice(0, limit);
      const last = devices.length > limit ? items.at(-1) : undefined;
      const nextCursor = last === undefined ? null : Buffer.from(last.deviceId).toString('base64url');
      return { items, nextCursor };
    },
  });
}

function decodeDeviceId(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  const deviceId = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!EXTERNAL_ID.test(deviceId)) throw new CursorError('is not a cursor of this list');
  return deviceId;
}

function lookingUp(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/devices/lookup',
    access: 'devices.read',
    audit: AUDIT_ACTIONS.lookUpDevices,
    schema: {
      operationId: 'lookUpDevices',
      summary: 'Find devices by an identifier',
      example: { identifiers: { customId: 'customer-1' } },
      tags: ['devices'],
      description:
        'Finds the devices that have any of the identifiers. Identifiers are sent in the body, ' +
        'because proxies may log URLs.',
      body: z.strictObject({ identifiers: Identifiers }),
      response: { 200: z.object({ items: z.array(DeviceBody) }) },
    },
    problems: [413, 415],
    handler: async (request) => {
      const faults: Fault[] = [];
      const wanted = readIdentifiers(request.body.identifiers, '/identifiers', faults);
      const given = wanted.filter((one) => one.digests !== null);
      if (given.length === 0 && faults.length === 0) {
        faults.push({ pointer: '/identifiers', detail: 'must name at least one identifier' });
      }
      if (faults.length > 0) throw invalid(faults);
      const appId = appIdOf(request);
      const numbers = await findByIdentifiers(deps.db, appId, given);
      return { items: await findDevices(deps.db, appId, numbers, await deps.clock()) };
    },
  });
}

function exporting(app: App, deps: ApiDeps): void {
  const file = { description: 'One line per device', content: {} };
  const schema = z.string();
  route(app, {
    method: 'GET',
    path: '/v1/devices/export',
    access: 'devices.export',
    audit: AUDIT_ACTIONS.exportDevices,
    schema: {
      operationId: 'exportDevices',
      summary: 'Export devices as CSV or NDJSON',
      tags: ['devices'],
      description:
        'Streams devices in the order of their IDs, without tokens and secrets. In CSV, text that a spreadsheet ' +
        'would treat as a formula has a leading apostrophe. A connection that breaks off means an incomplete file.',
      querystring: z.strictObject({
        ...Filter.shape,
        ...BomQuery,
        format: z.enum(EXPORT_FORMATS).default('csv'),
      }),
      response: { 200: { ...file, content: { [CSV]: { schema }, [NDJSON]: { schema } } } },
    },
    handler: async (request, reply) => {
      const { appId } = personOf(request);
      const { format, bom, ...filter } = request.query;
      const now = await deps.clock();
      const filters = Object.keys(filter).sort().join(', ');
      const detail = `${format}; filters: ${filters === '' ? 'none' : filters}`;
      await recordAuditEntry(deps.db, request, { detail, now });
      const lines = Readable.from(exportDevices(deps.db, { appId, filter, format, bom, now }), {
        objectMode: false,
      });
      return reply
        .type(format === 'csv' ? `${CSV}; charset=utf-8` : NDJSON)
        .header('content-disposition', `attachment; filename="devices.${format}"`)
        .send(lines as never);
    },
  });
}
