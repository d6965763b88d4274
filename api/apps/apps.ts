import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { findAppStop } from '../../db/apps/app-stop.ts';
import { type AppRecord, findApp, insertApp, updateApp } from '../../db/apps/apps.ts';
import { newId } from '../../domain/ids.ts';
import { ROLES } from '../../domain/role.ts';
import { APPROVAL_TIMEOUTS } from '../../domain/tasks/plan.ts';
import { TimeZone } from '../../domain/time-schemas.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { AppStop } from '../http/app-stop-view.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { IsoDate, Label } from '../http/schemas.ts';

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
  /** The time that approvers have once asked, or null for no limit. Read when a revision goes to approval. */
  approvalTimeLimitMinutes: Minutes.nullable().optional(),
  onApprovalTimeout: z.enum(APPROVAL_TIMEOUTS).optional(),
  /** The lead of the webhook `task.approval_reminder` before the limit, or null for no reminder. */
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
    /** Null unless an emergency stop is in force. */
    stop: AppStop.nullable(),
    createdAt: IsoDate,
  })
  .meta({ id: 'App' });

export async function appRoutes(app: App, deps: ApiDeps): Promise<void> {
  createAppRoute(app, deps);
  getAppRoute(app, deps);
  changeAppRoute(app, deps);
}

function createAppRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/apps',
    access: 'admin',
    audit: AUDIT_ACTIONS.createApp,
    idempotent: true,
    schema: {
      operationId: 'createApp',
      summary: 'Create an app',
      example: { name: 'Shop', timeZone: 'Europe/Berlin' },
      tags: ['apps'],
      body: Settings.meta({ id: 'NewApp' }),
      response: { 201: AppBody },
    },
    problems: [409, 413, 415, 422],
    handler: async (request, reply) => {
      const id = newId('app', randomBytes);
      const now = await deps.clock();
      const created = await deps.db.transaction().execute(async (trx) => {
        const made = await insertApp(trx, { ...request.body, id, createdAt: now });
        await recordAuditEntry(trx, request, { appId: id, detail: JSON.stringify(request.body), now });
        return made;
      });
      return reply.code(201).send({ ...created, stop: null });
    },
  });
}

function getAppRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/app',
    access: 'app.read',
    schema: {
      operationId: 'getApp',
      summary: 'Get the app and its settings',
      tags: ['apps'],
      response: { 200: AppBody },
    },
    problems: [404],
    handler: async (request) => {
      const found = await findApp(deps.db, personOf(request).appId);
      if (found === undefined) throw notFound('app');
      return renderApp(deps, found);
    },
  });
}

function changeAppRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'PATCH',
    path: '/v1/app',
    access: 'app.change',
    audit: AUDIT_ACTIONS.changeApp,
    schema: {
      operationId: 'changeApp',
      summary: 'Change the settings of the app',
      example: { approvalsRequired: 2 },
      tags: ['apps'],
      body: Settings.partial().meta({ id: 'AppChange' }),
      response: { 200: AppBody },
    },
    problems: [404, 413, 415],
    handler: async (request) => {
      const { appId } = personOf(request);
      const now = await deps.clock();
      const changed = await deps.db.transaction().execute(async (trx) => {
        await recordAuditEntry(trx, request, { detail: JSON.stringify(request.body), now });
        return await updateApp(trx, appId, request.body);
      });
      if (changed === undefined) throw notFound('app');
      return renderApp(deps, changed);
    },
  });
}

export async function renderApp(deps: ApiDeps, app: AppRecord): Promise<z.infer<typeof AppBody>> {
  return { ...app, stop: (await findAppStop(deps.db, { appId: app.id })) ?? null };
}
