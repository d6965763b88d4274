import { z } from 'zod';
import { ADDRESS_KINDS, TOKEN_STATES } from '../../domain/devices/address.ts';
import { EXTERNAL_ID, EXTERNAL_ID_RULE, LIMITS } from '../../domain/devices/device.ts';
import { IDENTIFIER_FAULTS, isZeroDeviceId } from '../../domain/devices/identifier.ts';
import { canonicalLocale } from '../../domain/locale.ts';
import { isStorable, KeyName } from '../../domain/plain-text.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { TimeZone } from '../../domain/time-schemas.ts';
import { IsoDate, Label } from '../http/schemas.ts';

export const DeviceId = z.string().regex(EXTERNAL_ID, EXTERNAL_ID_RULE);

const UNSTORABLE = 'must not contain NUL or a lone surrogate';

export const AttributeName = KeyName(LIMITS.attributeName);

export const AttributeValue = z.union(
  [z.string().max(LIMITS.attributeValue).refine(isStorable, UNSTORABLE), z.number(), z.boolean(), z.null()],
  `must be text of at most ${LIMITS.attributeValue} characters, a number, true, false or null`,
);

export const Attributes = z
  .record(AttributeName, AttributeValue)
  .refine(
    (all) => Object.keys(all).length <= LIMITS.attributes,
    `must have at most ${LIMITS.attributes} attributes`,
  )
  .meta({ id: 'Attributes' });

export const Locale = Label(64)
  .refine((text) => canonicalLocale(text) !== undefined, 'must be a locale of BCP 47, as in pt-BR')
  .overwrite((text) => canonicalLocale(text) ?? text);

/** A field whose odd values are left out with a warning, documented as what is expected. */
function lenient(schema: z.ZodType) {
  const { $schema: _, id: _id, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return z.unknown().meta(json).optional();
}

const fields = {
  timeZone: lenient(TimeZone.nullable()),
  locale: lenient(Locale.nullable()),
  appVersion: lenient(Label(LIMITS.appVersion).nullable()),
  attributes: lenient(Attributes),
  tags: lenient(z.array(Label(LIMITS.tag)).max(LIMITS.tags)),
};
const Token = z.string().min(1).max(4096);

const TEXT_KINDS = ADDRESS_KINDS.filter((kind) => kind !== 'web_push');
const Address = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.enum(TEXT_KINDS), token: Token }),
    z.strictObject({
      kind: z.literal('web_push'),
      subscription: z
        .strictObject({
          endpoint: z.string().max(2048),
          keys: z.strictObject({ p256dh: z.string().max(100), auth: z.string().max(50) }),
          expirationTime: z.number().nullish(),
        })
        .describe('The result of PushSubscription.toJSON() in a browser'),
    }),
  ])
  .meta({ id: 'DeviceAddress' });
export type AddressBody = z.infer<typeof Address>;

/** Null removes an identifier. An omitted identifier stays. */
const identifier = z.string().min(1).max(200).nullish();
export const Identifiers = z
  .strictObject({
    idfa: identifier,
    idfv: identifier,
    oaid: identifier,
    androidId: identifier,
    customId: identifier,
  })
  .describe('Each identifier is in plain text, or hashed as md5:… or sha256:…')
  .meta({ id: 'DeviceIdentifiers' });
export type IdentifiersBody = z.infer<typeof Identifiers>;

const GivenIdentifiers = z
  .strictObject({
    idfa: lenient(identifier),
    idfv: lenient(identifier),
    oaid: lenient(identifier),
    androidId: lenient(identifier),
    customId: lenient(identifier),
  })
  .describe('Each identifier is in plain text, or hashed as md5:… or sha256:…');
export type GivenIdentifiers = z.infer<typeof GivenIdentifiers>;

const addressed = { address: Address.optional(), identifiers: GivenIdentifiers.optional() };

export const NewDevice = z
  .strictObject({
    ...fields,
    deviceId: DeviceId.refine((id) => !isZeroDeviceId(id), IDENTIFIER_FAULTS.all_zeros),
    platform: z.enum(PLATFORMS),
    token: Token.nullish().describe('An APNs or FCM token. Use `address` for any other kind.'),
    ...addressed,
  })
  .meta({ id: 'NewDevice' });

/** Omitted fields keep their values. A token of null removes the token. */
export const DeviceRefresh = z
  .strictObject({ ...fields, token: Token.nullish(), ...addressed })
  .meta({ id: 'DeviceRefresh' });

export const TokenState = z.enum([...TOKEN_STATES, 'stale']);

export const DeviceBody = z
  .object({
    deviceId: z.string(),
    platform: z.enum(PLATFORMS),
    channel: z.string(),
    addressKind: z.enum(ADDRESS_KINDS),
    tokenState: TokenState,
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

export const TokenPeriodBody = z
  .object({
    channel: z.string(),
    addressKind: z.enum(ADDRESS_KINDS).nullable(),
    state: TokenState,
    reason: z.string().nullable(),
    fingerprint: z.string(),
    registeredAt: IsoDate.nullable(),
    endedAt: IsoDate.nullable(),
  })
  .meta({ id: 'DeviceToken' });

/** The object is loose, so that other headers pass unchecked. */
export const DeviceSecret = z.looseObject({
  'x-device-secret': z
    .string()
    .max(200)
    .optional()
    .describe("The device's own secret, from its registration"),
});
