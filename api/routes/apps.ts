import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { findApp, insertApp, updateApp } from '../../db/apps.ts';
import { newId } from '../../domain/ids.ts';
import type { App } from '../app.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { ADMIN, PERSON } from '../openapi.ts';
import { notFound, problemResponses } from '../problem.ts';
import { IsoDate, Label, TimeZone } from '../schemas.ts';

const Settings = z.strictObject({
  name: Label(100),
  timeZone: TimeZone,
  signalApproval: z.enum(['code', 'claimed', 'off']).optional(),
  makerMayApprove: z.boolean().optional(),
  approvalsRequired: z.int().min(1).max(3).optional(),
});

const AppBody = z
  .object({
    id: z.string(),
    name: z.string(),
    timeZone: z.string(),
    signalApproval: z.enum(['code', 'claimed', 'off']),
    makerMayApprove: z.boolean(),
    approvalsRequired: z.number(),
    stoppedAt: IsoDate.nullable(),
    createdAt: IsoDate,
  })
  .meta({ id: 'App' });

export async function appRoutes(app: App, deps: ApiDeps): Promise<void> {
  app.post(
    '/v1/apps',
    {
      ...idempotent(deps),
      onRequest: app.guard.admin,
      schema: {
        ...ADMIN,
        operationId: 'createApp',
        body: Settings.meta({ id: 'NewApp' }),
        response: { 201: AppBody, ...problemResponses(409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const id = newId('app', randomBytes);
      const created = await insertApp(deps.db, { ...request.body, id, createdAt: await deps.clock() });
      return reply.code(201).send(created);
    },
  );

  app.get(
    '/v1/app',
    {
      onRequest: app.guard.may('app.read'),
      schema: { ...PERSON, operationId: 'getApp', response: { 200: AppBody, ...problemResponses(404) } },
    },
    async (request) => {
      const found = await findApp(deps.db, personOf(request).appId);
      if (found === undefined) throw notFound('app');
      return found;
    },
  );

  app.patch(
    '/v1/app',
    {
      onRequest: app.guard.may('app.change'),
      schema: {
        ...PERSON,
        operationId: 'changeApp',
        body: Settings.partial().meta({ id: 'AppChange' }),
        response: { 200: AppBody, ...problemResponses(404, 413, 415) },
      },
    },
    async (request) => {
      const changed = await updateApp(deps.db, personOf(request).appId, request.body);
      if (changed === undefined) throw notFound('app');
      return changed;
    },
  );
}
