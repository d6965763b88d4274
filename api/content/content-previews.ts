import { z } from 'zod';
import { findDevice } from '../../db/devices/devices.ts';
import { findTask } from '../../db/tasks/tasks.ts';
import { Content } from '../../domain/content/content.ts';
import { checkContent } from '../../domain/content/content-check.ts';
import { givenOf } from '../../domain/content/content-fill.ts';
import { messageFor } from '../../domain/content/content-messages.ts';
import { Button, specialFields } from '../../domain/content/content-parts.ts';
import { payloadBytes, sizeLimit } from '../../domain/content/payload-size.ts';
import { TASK_ID } from '../../domain/ids.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { appIdOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { Attributes, DeviceId, Locale } from '../devices/device-schemas.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { type Fault, notFound, Problem } from '../http/problem.ts';

const Imagined = z.strictObject({
  platform: z.enum(PLATFORMS),
  locale: Locale.optional(),
  attributes: Attributes.default({}),
});

const PreviewRequest = z
  .strictObject({
    content: Content.optional(),
    taskId: z.string().max(100).optional().describe('A task of the app, whose content is shown'),
    deviceId: DeviceId.optional().describe('A device of the app'),
    device: Imagined.optional().describe('A hypothetical device'),
  })
  .refine(
    ({ deviceId, device }) => (deviceId === undefined) !== (device === undefined),
    'exactly one of deviceId and device is required',
  )
  .refine(
    ({ content, taskId }) => (content === undefined) !== (taskId === undefined),
    'exactly one of content and taskId is required',
  )
  .meta({ id: 'ContentPreviewRequest' });

const PreviewMessage = z
  .object({
    title: z.string(),
    body: z.string(),
    deepLink: z.string().optional(),
    imageUrl: z.string().optional(),
    buttons: z.array(Button).readonly().optional(),
    /** Null or `none` for no sound. `default` when left out. */
    sound: z.string().nullable().optional(),
    badge: z.int().optional(),
    data: z.record(z.string(), z.string()).optional(),
    ...z.object(specialFields).partial().shape,
    ttlSeconds: z.int(),
    priority: z.enum(['high', 'normal']),
  })
  .meta({ id: 'PreviewMessage' });

const PreviewBody = z
  .object({
    platform: z.enum(PLATFORMS),
    /** The content's locale that fits the device. Null for the content without a locale. */
    locale: z.string().nullable(),
    /** Null when the device would get nothing. */
    message: PreviewMessage.nullable(),
    reason: z.enum(['missing_variable', 'template_failed', 'payload_too_large']).nullable(),
    /** The variables that the device lacks, when the reason is missing_variable. */
    missingVariables: z.array(z.string()).readonly(),
    payloadBytes: z.int().nullable(),
    payloadLimit: z.int(),
  })
  .meta({ id: 'ContentPreview' });

export async function contentPreviewRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'POST',
    path: '/v1/content-previews',
    access: 'devices.read',
    audit: AUDIT_ACTIONS.previewContent,
    schema: {
      operationId: 'previewContent',
      summary: 'Preview the message that a device gets',
      example: {
        content: {
          title: 'Hello {{ name }}',
          body: 'Today only',
          variables: { name: { default: 'friend' } },
        },
        device: { platform: 'ios', attributes: { name: 'Mei' } },
      },
      tags: ['content'],
      description: 'The message that a device would get, for its platform, its locale and its variables.',
      body: PreviewRequest,
      response: { 200: PreviewBody },
    },
    problems: [404],
    handler: async (request) => {
      const { deviceId, device } = request.body;
      const appId = appIdOf(request);
      const content = request.body.content ?? (await contentOf(deps, { appId, taskId: request.body.taskId }));
      const reader = device ?? (await read(deps, { appId, deviceId: deviceId ?? '' }));
      const { platform, locale = null, attributes } = reader;
      const faults: Fault[] = checkContent(content, [platform]).map(({ pointer, detail }) => ({
        pointer: `/content${pointer}`,
        detail,
      }));
      if (faults.length > 0)
        throw new Problem('invalid_request', 'The content is not valid', { errors: faults });
      const chosen = messageFor(content, { platform, locale, given: givenOf(content, attributes) });
      const { filled } = chosen;
      return {
        platform,
        locale: chosen.locale,
        message: filled.ok ? filled.message : null,
        reason: filled.ok ? null : filled.reason,
        missingVariables: filled.ok ? [] : (filled.missing ?? []),
        payloadBytes: filled.ok ? payloadBytes(filled.message) : null,
        payloadLimit: sizeLimit(platform),
      };
    },
  });
}

async function read(deps: ApiDeps, key: { appId: string; deviceId: string }) {
  const device = await findDevice(deps.db, key, await deps.clock());
  if (device === undefined) throw notFound('device');
  return device;
}

/** The content of the task's newest revision. */
async function contentOf(
  { db }: ApiDeps,
  { appId, taskId = '' }: { appId: string; taskId: string | undefined },
): Promise<Content> {
  const task = TASK_ID.test(taskId) ? await findTask(db, { appId, taskId }) : undefined;
  if (task === undefined) throw notFound('task');
  return task.definition.content;
}
