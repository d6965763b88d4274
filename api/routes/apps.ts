import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { findAppStop } from '../../db/app-stop.ts';
import { type AppRecord, findApp, insertApp, updateApp } from '../../db/apps.ts';
import { APPROVAL_TIMEOUTS } from '../../domain/approval-limit.ts';
import { newId } from '../../domain/ids.ts';
import { ROLES } from '../../domain/role.ts';
import { AppStop } from '../app-stop-view.ts';
import { recordAuditEntry } from '../audit-actions.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps, App } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { ADMIN, PERSON } from '../openapi.ts';
import { notFound, problemResponses } from '../problem.ts';
import { IsoDate, Label, TimeZone } from '../schemas.ts';

const Minutes = z.int().min(1).max(43_200);
const Roles = z
  .array(z.enum(ROLES))
  .min(1)
  .max(ROLES.length)
  .refine((roles) => new Set(roles).size === roles.length, 'must name each role once');
const Settings = z.strictObject({
  name: Label(100),
  timeZone: TimeZone,
  signalApproval: z.enum(['code', 'claimed', 'off']).optional(),
  makerMayApprove: z.boolean().optional(),
  /** Persons of these roles decide about tasks. */
  approverRoles: Roles.optional(),
  approvalsRequired: z.int().min(1).max(3).optional(),
  /** How long approvers have, from when they are asked; null is without limit. Read when a revision goes to approval. */
  approvalTimeLimitMinutes: Minutes.nullable().optional(),
  onApprovalTimeout: z.enum(APPROVAL_TIMEOUTS).optional(),
  /** How long before the limit the webhook `task.approval_reminder` is sent; null is never. */
  approvalReminderMinutes: Minutes.nullable().optional(),
});

export const AppBody = z
  .object({
    id: z.string(),
    name: z.string(),
    timeZone: z.string(),
    signalApproval: z.enum(['code', 'claimed', 'off']),
    makerMayApprove: z.boolean(),
    approverRoles: z.array(z.enum(ROLES)),
    approvalsRequired: z.number(),
    approvalTimeLimitMinutes: z.int().nullable(),
    onApprovalTimeout: z.enum(APPROVAL_TIMEOUTS),
    approvalReminderMinutes: z.int().nullable(),
    /** Null unless the emergency stop holds. */
    stop: AppStop.nullable(),
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
      const now = await deps.clock();
      const created = await deps.db.transaction().execute(async (trx) => {
        const made = await insertApp(trx, { ...request.body, id, createdAt: now });
        await recordAuditEntry(trx, request, { appId: id, detail: JSON.stringify(request.body), now });
        return made;
      });
      return reply.code(201).send({ ...created, stop: null });
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
      return renderApp(deps, found);
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
      const { appId } = personOf(request);
      const now = await deps.clock();
      const changed = await deps.db.transaction().execute(async (trx) => {
        await recordAuditEntry(trx, request, { detail: JSON.stringify(request.body), now });
        return await updateApp(trx, appId, request.body);
      });
      if (changed === undefined) throw notFound('app');
      return renderApp(deps, changed);
    },
  );
}

export async function renderApp(deps: ApiDeps, app: AppRecord): Promise<z.infer<typeof AppBody>> {
  return { ...app, stop: (await findAppStop(deps.db, { appId: app.id })) ?? null };
}
