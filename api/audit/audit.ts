import { Readable } from 'node:stream';
import { z } from 'zod';
import { type AuditFilter, listAudit } from '../../db/audit/audit.ts';
import { PlainText } from '../../domain/plain-text.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { BomQuery, CSV_RESPONSE, sendCsv } from '../csv/csv-export.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { decodePlace, toNumberedPage } from '../http/number-cursor.ts';
import { IsoDate, Page, PageQuery } from '../http/schemas.ts';
import { AUDIT_COLUMNS, auditCells, exportAudit, ndjsonOf } from './audit-export.ts';
import { AuditLine } from './audit-view.ts';

const Actions = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(PlainText(50)).max(20),
);
const Filter = {
  task: PlainText(100).optional(),
  person: PlainText(100).optional(),
  action: Actions.optional(),
  via: PlainText(20).optional(),
  outcome: z.enum(['done', 'ignored']).optional(),
  from: IsoDate.optional(),
  to: IsoDate.optional(),
};
type FilterQuery = { [Key in keyof typeof Filter]?: z.infer<(typeof Filter)[Key]> | undefined };

const tags = ['audit'] as const;
const NDJSON = 'application/x-ndjson';

export async function auditRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'GET',
    path: '/v1/audit',
    access: 'audit.read',
    schema: {
      operationId: 'listAudit',
      summary: 'List the audit of the app',
      tags,
      querystring: PageQuery.extend(Filter),
      response: { 200: Page(AuditLine) },
    },
    handler: async (request) => {
      const { limit, cursor, ...query } = request.query;
      const filter = filterOf(personOf(request).appId, query);
      const rows = await listAudit(deps.db, filter, { before: decodePlace(cursor), limit: limit + 1 });
      return toNumberedPage(rows, limit, (line) => line.no);
    },
  });

  route(app, {
    method: 'GET',
    path: '/v1/audit/export',
    access: 'audit.read',
    schema: {
      operationId: 'exportAudit',
      summary: 'Export the audit',
      description: 'Streams the audit, newest first. A connection that breaks off means an incomplete file.',
      tags,
      querystring: z.strictObject({
        ...Filter,
        ...BomQuery,
        format: z.enum(['csv', 'ndjson']).default('csv'),
      }),
      response: {
        200: {
          ...CSV_RESPONSE,
          content: { ...CSV_RESPONSE.content, [NDJSON]: { schema: z.string() } },
        },
      },
    },
    handler: async (request, reply) => {
      const { format, bom, ...query } = request.query;
      const pages = exportAudit(deps.db, filterOf(personOf(request).appId, query));
      if (format === 'csv') {
        return sendCsv(reply, { name: 'audit', columns: AUDIT_COLUMNS, pages: auditCells(pages), bom });
      }
      return reply
        .type(NDJSON)
        .header('content-disposition', 'attachment; filename="audit.ndjson"')
        .send(Readable.from(ndjsonOf(pages), { objectMode: false }) as never);
    },
  });
}

function filterOf(appId: string, { task, person, ...rest }: FilterQuery): AuditFilter {
  return { appId, taskId: task, personId: person, ...rest };
}
