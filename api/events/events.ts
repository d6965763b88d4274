import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listNames, MAX_EVENT_NAMES } from '../../db/events/event-names.ts';
import { EventInput } from '../../domain/events/event.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { appIdOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { createDeviceGuard, type DeviceGuard, secretRequired } from '../devices/device-proof.ts';
import { DeviceId, DeviceSecret } from '../devices/device-schemas.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { readJsonBodies } from '../http/json-body.ts';
import { Problem } from '../http/problem.ts';
import { IsoDate } from '../http/schemas.ts';
import { createGate } from '../receipts/receipt-gate.ts';
import { answerOf, type EventAnswer, readEvents } from './event-reader.ts';
import { createEventRecorder } from './event-recorder.ts';

const MAX_EVENTS = 1_000;
/** The bound counts raw bodies. The parsed form takes a few times as much memory. */
const MAX_WAITING_BYTES = 16 * 1_048_576;

const Events = z
  .strictObject({
    /** The device that reports with an SDK key and shows its secret. */
    deviceId: DeviceId.optional(),
    /** The reporter's own time of sending, which shows the error of its clock. */
    sentAt: IsoDate.optional(),
    /** Items are checked one by one. An invalid item is refused by its index, and the others count. */
    events: z
      .array(z.union([EventInput, z.unknown()]))
      .min(1)
      .max(MAX_EVENTS),
  })
  .meta({ id: 'Events' });
const EventsAnswer = z
  .object({
    /** The number of events that are stored, now or by an earlier report. */
    accepted: z.int(),
    results: z.array(
      z.union([
        z.object({ index: z.int(), result: z.enum(['counted', 'duplicate']) }),
        z.object({ index: z.int(), error: z.string() }),
      ]),
    ),
  })
  .meta({ id: 'EventsAnswer' });
const EventNames = z.object({ items: z.array(z.string()) }).meta({ id: 'EventNames' });

const TOO_MANY_NAMES = `name: is new, and the app has reached its limit of ${MAX_EVENT_NAMES} event names`;

export async function eventRoutes(app: App, deps: ApiDeps): Promise<void> {
  readJsonBodies(app, 'inItems');
  const record = createEventRecorder(deps.db);
  const gate = createGate(MAX_WAITING_BYTES);
  const guard = createDeviceGuard(app, deps);
  route(app, {
    method: 'POST',
    path: '/v1/events',
    access: { sdkOr: 'events.report' },
    onRequest: gate.admit,
    audit: AUDIT_ACTIONS.reportEvents,
    schema: {
      operationId: 'reportEvents',
      summary: 'Report events of users',
      example: { deviceId: 'phone-1', events: [{ name: 'purchase', properties: { price: 20 } }] },
      tags: ['events'],
      description:
        'With an SDK key a device reports its own events and shows its secret. ' +
        "With a person's key the app's backend reports events of users or devices.",
      headers: DeviceSecret,
      body: Events,
      response: { 200: EventsAnswer },
    },
    problems: [413],
    handler: async (request) => {
      const { deviceId, sentAt, events: items } = request.body;
      await checkReporter(guard, request, deviceId);
      const now = await deps.clock();
      const { events, answers } = readEvents(items, { deviceId, times: { now, sentAt } });
      for (const [index, result] of await record({ appId: appIdOf(request), now, events })) {
        const answer =
          result === 'too_many_names' ? { index, error: TOO_MANY_NAMES } : answerOf(index, result);
        answers.set(index, answer);
      }
      const results: EventAnswer[] = items.flatMap((_, index) => answers.get(index) ?? []);
      return { accepted: results.filter((one) => 'result' in one).length, results };
    },
  });

  route(app, {
    method: 'GET',
    path: '/v1/events/names',
    access: 'audiences.read',
    schema: {
      operationId: 'listEventNames',
      summary: 'List the names of events',
      tags: ['events'],
      response: { 200: EventNames },
    },
    handler: async (request) => ({ items: await listNames(deps.db, appIdOf(request)) }),
  });
}

/** An unknown device and a wrong secret get the same answer. */
async function checkReporter(
  guard: DeviceGuard,
  request: FastifyRequest,
  deviceId: string | undefined,
): Promise<void> {
  if (request.caller?.kind !== 'sdk') {
    if (deviceId === undefined) return;
    throw invalid("is allowed with an SDK key only: with a person's key each event names its user or device");
  }
  if (deviceId === undefined) throw invalid('is required with an SDK key: a device reports its own events');
  const { proof } = await guard.admit(request, deviceId);
  if (!proof?.hash) throw secretRequired();
}

function invalid(detail: string): Problem {
  return new Problem('invalid_request', 'The request is not valid', {
    errors: [{ pointer: '/deviceId', detail }],
  });
}
