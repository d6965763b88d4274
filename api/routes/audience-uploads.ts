import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { uploadAudience } from '../../db/audience-upload.ts';
import { findAudience } from '../../db/audiences.ts';
import { newId } from '../../domain/ids.ts';
import { recordAct } from '../acts.ts';
import type { App } from '../app.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { PERSON } from '../openapi.ts';
import { notFound, problemResponses } from '../problem.ts';
import { Label } from '../schemas.ts';
import { BadRows, RowError } from '../upload/bad-rows.ts';
import {
  acceptStreams,
  bytesOf,
  CSV,
  contentTypeOf,
  NDJSON,
  TEXT,
  uploadBody,
  withUploadSlot,
} from '../upload/body.ts';
import { MEMBER_COLUMNS, toMember } from '../upload/member-rows.ts';
import { readRows } from '../upload/rows.ts';

const Uploaded = z
  .object({
    id: z.string(),
    version: z.number(),
    rows: z.number(),
    members: z.number(),
    /** Rows whose ID was in the file already: they count once. */
    repeated: z.number(),
    badRows: z.number(),
    errors: z.array(RowError),
  })
  .meta({ id: 'AudienceUpload' });

const READER = { known: MEMBER_COLUMNS, required: [], read: toMember } as const;
const FILE = uploadBody(CSV, TEXT, NDJSON);
const ANSWERS = { 201: Uploaded, ...problemResponses(404, 409, 413, 415, 422) };
const HOW =
  'CSV with the columns device_id, user_id or both; plain text with one device ID per line; or NDJSON.';

export async function audienceUploadRoutes(app: App, deps: ApiDeps): Promise<void> {
  acceptStreams(app, [CSV, TEXT, NDJSON]);
  const options = { ...idempotent(deps), onRequest: app.guard.may('audiences.change') };
  app.post(
    '/v1/audiences/upload',
    {
      ...options,
      schema: {
        ...PERSON,
        ...FILE,
        operationId: 'uploadAudience',
        description: HOW,
        querystring: z.strictObject({ name: Label(100) }),
        response: ANSWERS,
      },
    },
    async (request, reply) => {
      const id = newId('audience', randomBytes);
      return reply.code(201).send(await upload(deps, request, { id, name: request.query.name }));
    },
  );
  app.post(
    '/v1/audiences/:id/upload',
    {
      ...options,
      schema: {
        ...PERSON,
        ...FILE,
        operationId: 'uploadAudienceVersion',
        description: HOW,
        params: z.object({ id: z.string() }),
        response: ANSWERS,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const found = await findAudience(deps.db, personOf(request).appId, id);
      if (found?.kind !== 'upload') throw notFound('audience of uploads');
      return reply.code(201).send(await upload(deps, request, { id }));
    },
  );
}

async function upload(deps: ApiDeps, request: FastifyRequest, audience: { id: string; name?: string }) {
  const { appId, personId: by } = personOf(request);
  const type = contentTypeOf(request);
  const tally = { rows: 0, bad: new BadRows() };
  const format = type === NDJSON ? 'ndjson' : type === CSV ? 'csv' : 'text';
  const parts = {
    appId,
    audienceId: audience.id,
    ...(audience.name === undefined ? {} : { name: audience.name }),
    by,
    now: await deps.clock(),
    members: readRows(bytesOf(request), format, READER, tally),
    source: () => ({ format: type, rows: tally.rows, badRows: tally.bad.count }),
  };
  const result = await withUploadSlot(deps.pool, () => uploadAudience(deps.pool, parts));
  if (result === undefined) throw notFound('audience of uploads');
  const { bad, rows } = tally;
  const detail = `${audience.id}, version ${result.version}: ${result.members} members`;
  await recordAct(deps.db, request, { detail, now: await deps.clock() });
  return { id: audience.id, ...result, rows, badRows: bad.count, errors: bad.first() };
}
