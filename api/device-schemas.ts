import { z } from 'zod';
import { EXTERNAL_ID, isStorable, LIMITS } from '../domain/device.ts';
import { PLATFORMS } from '../domain/platform.ts';
import { IsoDate, Label, TimeZone } from './schemas.ts';

export const DeviceId = z
  .string()
  .regex(EXTERNAL_ID, 'must be 1 to 200 characters without spaces or control characters');

const AttributeValue = z.union([
  z.string().max(LIMITS.attributeValue).refine(isStorable, 'must not contain NUL or half a character'),
  z.number(),
  z.boolean(),
  z.null(),
]);
export const Attributes = z
  .record(
    z
      .string()
      .min(1)
      .max(LIMITS.attributeName)
      .refine(isStorable, 'must not contain NUL or half a character'),
    AttributeValue,
  )
  .refine((all) => Object.keys(all).length <= LIMITS.attributes, `at most ${LIMITS.attributes} attributes`)
  .meta({ id: 'Attributes' });

const fields = {
  timeZone: TimeZone,
  locale: Label(LIMITS.locale),
  appVersion: Label(LIMITS.appVersion),
  attributes: Attributes,
  tags: z.array(Label(LIMITS.tag)).max(LIMITS.tags),
};
const Token = z.string().min(1).max(4096);

export const NewDevice = z
  .strictObject({
    ...z.object(fields).partial().shape,
    deviceId: DeviceId,
    platform: z.enum(PLATFORMS),
    token: Token.nullish(),
  })
  .meta({ id: 'NewDevice' });

/** What is left out stays as it is; a token of null says that there is none any more. */
export const DeviceRefresh = z
  .strictObject({ ...fields, token: Token.nullable() })
  .partial()
  .meta({ id: 'DeviceRefresh' });

export const DeviceBody = z
  .object({
    deviceId: z.string(),
    platform: z.enum(PLATFORMS),
    channel: z.string(),
    tokenState: z.enum(['active', 'none', 'invalid', 'replaced']),
    userId: z.string().nullable(),
    timeZone: z.string().nullable(),
    locale: z.string().nullable(),
    appVersion: z.string().nullable(),
    attributes: z.record(z.string(), z.unknown()),
    tags: z.array(z.string()),
    lastActiveAt: IsoDate.nullable(),
    unsubscribedAt: IsoDate.nullable(),
    createdAt: IsoDate,
    updatedAt: IsoDate,
  })
  .meta({ id: 'Device' });

/** Other headers pass as they are. */
export const DeviceSecret = z.looseObject({
  'x-device-secret': z
    .string()
    .max(200)
    .optional()
    .describe("The device's own secret, from its registration"),
});
