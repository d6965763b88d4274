import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findAudience } from '../../db/audiences/audiences.ts';
import { findUpload } from '../../db/audiences/upload-progress.ts';
import { newId } from '../../domain/ids.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { appIdOf, personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';
import { IsoDate, Label } from '../http/schemas.ts';
import { AudienceUpload, IDS_OF_TEXT, uploadAudience } from '../upload/audience-file.ts';
import { acceptStreams, CSV, NDJSON, TEXT, uploadBody } from '../upload/body.ts';

const FILE = uploadBody(CSV, TEXT, NDJSON);
const HOW =
  'CSV with the columns device_id, user_id or both, plain text with one device ID per line (with ids=user one user ' +
  'ID), or NDJSON. An upload with an Idempotency-Key can be resumed after an interruption: get the offset from ' +
  'GET /v1/audiences/upload, and send the rest of the file under the same key with that Upload-Offset.';
const EXAMPLE = {
  [CSV]: 'device_id\nphone-1\nphone-2\n',
  [TEXT]: 'phone-1\nphone-2\n',
  [NDJSON]: '{"deviceId":"phone-1"}\n{"deviceId":"phone-2"}\n',
};
const Ids = { ids: z.enum(IDS_OF_TEXT).default('device') };
const Headers = z.looseObject({
  /** The number of bytes that are stored already and not sent again. 0 starts from the beginning. */
  'upload-offset': z.coerce.number().int().min(0).default(0),
});
const Progress = z
  .object({
    /** The offset of the rest of the file. */
    offset: z.number(),
    rows: z.number(),
    badRows: z.number(),
    /** True once the file is stored as an audience. */
    isDone: z.boolean(),
    updatedAt: IsoDate,
  })
  .meta({ id: 'AudienceUploadProgress' });

export async function audienceUploadRoutes(app: App, deps: ApiDeps): Promise<void> {
  acceptStreams(app);
  uploadAudienceRoute(app, deps);
  uploadAudienceVersionRoute(app, deps);
  getAudienceUploadRoute(app, deps);
}

function uploadAudienceRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/audiences/upload',
    access: 'audiences.change',
    audit: AUDIT_ACTIONS.uploadAudience,
    idempotent: true,
    schema: {
      operationId: 'uploadAudience',
      summary: 'Upload a list of IDs as an audience',
      tags: ['audiences'],
      example: EXAMPLE,
      description: HOW,
      ...FILE,
      headers: Headers,
      querystring: z.strictObject({ name: Label(100).meta({ examples: ['Customers'] }), ...Ids }),
      response: { 201: AudienceUpload },
    },
    problems: [404, 408, 409, 413, 415, 422],
    handler: async (request, reply) => {
      const id = newId('audience', randomBytes);
      return await sendUpload(deps, request, reply, { id, ...request.query });
    },
  });
}

function uploadAudienceVersionRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/audiences/:id/upload',
    access: 'audiences.change',
    audit: AUDIT_ACTIONS.uploadAudienceVersion,
    idempotent: true,
    schema: {
      operationId: 'uploadAudienceVersion',
      summary: 'Upload the next version of an audience',
      tags: ['audiences'],
      example: EXAMPLE,
      description: HOW,
      ...FILE,
      headers: Headers,
      params: z.object({ id: z.string() }),
      querystring: z.strictObject(Ids),
      response: { 201: AudienceUpload },
    },
    problems: [404, 408, 409, 413, 415, 422],
    handler: async (request, reply) => {
      const { id } = request.params;
      const found = await findAudience(deps.db, personOf(request).appId, id);
      if (found?.kind !== 'upload') throw notFound('uploaded audience');
      return await sendUpload(deps, request, reply, { id, ...request.query });
    },
  });
}

function getAudienceUploadRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/audiences/upload',
    access: 'audiences.change',
    schema: {
      operationId: 'getAudienceUpload',
      summary: 'Get the progress of an upload',
      tags: ['audiences'],
      description: 'The progress of the upload under this Idempotency-Key, which is kept for a day.',
      headers: z.looseObject({ 'idempotency-key': z.string() }),
      response: { 200: Progress },
    },
    problems: [404],
    handler: async (request) => {
      const found = await findUpload(deps.db, {
        appId: appIdOf(request),
        key: request.headers['idempotency-key'],
      });
      if (found === undefined)
        throw new Problem(
          'not_found',
          'No upload is stored under this Idempotency-Key; send the file from its beginning',
        );
      const { bytes: offset, rows, badRows, isDone, updatedAt } = found;
      return { offset, rows, badRows, isDone, updatedAt };
    },
  });
}

async function sendUpload(
  deps: ApiDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  audience: { id: string; name?: string; ids: (typeof IDS_OF_TEXT)[number] },
) {
  const headers = request.headers as z.infer<typeof Headers>;
  const key = request.idempotency?.key ?? null;
  const offset = headers['upload-offset'];
  const uploaded = await uploadAudience(deps, request, { ...audience, key, offset });
  if (uploaded.isReplayed) void reply.header('idempotency-replayed', 'true');
  return await reply.code(201).send(uploaded.answer);
}
