import { z } from 'zod';
import { findUploadReport } from '../../db/audiences/upload-reports.ts';
import { appIdOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';

export async function uploadReportRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'GET',
    path: '/v1/upload-reports/:id',
    access: 'devices.import',
    schema: {
      operationId: 'getUploadReport',
      summary: 'Download the faults of an uploaded file',
      tags: ['devices'],
      description:
        'What was wrong with the rows of an uploaded file, as CSV: line, field, reason, effect and meaning. ' +
        'Reports have up to 50,000 faults, hold no values of the file, and are kept for a week.',
      params: z.object({ id: z.string() }),
      response: {
        200: { description: 'One line per fault', content: { 'text/csv': { schema: z.string() } } },
      },
    },
    problems: [404],
    handler: async (request, reply) => {
      const csv = await findUploadReport(deps.db, appIdOf(request), request.params.id);
      if (csv === undefined) throw notFound('report of an upload');
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="${request.params.id}.csv"`)
        .send(csv as never);
    },
  });
}
