import type { z } from 'zod';
import { digestsOf, type IdentifierChanges } from '../../db/devices/device-identifiers.ts';
import type { DeviceFields } from '../../db/devices/device-rows.ts';
import {
  type Address,
  type AddressKind,
  addressFault,
  fitsPlatform,
  normalToken,
} from '../../domain/devices/address.ts';
import { IDENTIFIER_FAULTS, type IdentifierKind } from '../../domain/devices/identifier.ts';
import { subscriptionFault, subscriptionToken } from '../../domain/devices/web-push.ts';
import type { Platform } from '../../domain/platform.ts';
import { type Fault, Problem } from '../http/problem.ts';
import { type DeviceWarning, readFields, readTexts } from './device-optional.ts';
import type { AddressBody, DeviceRefresh, IdentifiersBody } from './device-schemas.ts';

interface Change {
  readonly fields: DeviceFields;
  readonly address: Address | undefined;
  readonly identifiers: IdentifierChanges;
  readonly warnings: readonly DeviceWarning[];
}

/**
 * Throws a Problem that lists every fault. An odd value of an optional field is not a fault, but a warning.
 * `device.kind` is the address kind of a bare token.
 */
export function deviceChange(
  device: { platform: Platform; kind: AddressKind },
  body: z.infer<typeof DeviceRefresh>,
): Change {
  const { token, address, identifiers, ...fields } = body;
  const faults: Fault[] = [];
  const warnings: DeviceWarning[] = [];
  const odd: Fault[] = [];
  const change = {
    fields: readFields(fields, warnings),
    address: addressOf(device, { token, address }, { faults, warnings }),
    identifiers: readIdentifiers(readTexts(identifiers, warnings), '/identifiers', odd),
    warnings,
  };
  for (const { pointer = '', detail } of odd) warnings.push({ pointer, code: 'invalid_identifier', detail });
  if (faults.length > 0) throw invalid(faults);
  return change;
}

export function invalid(errors: Fault[]): Problem {
  return new Problem('invalid_request', 'The request is not valid', { errors });
}

function addressOf(
  { platform, kind }: { platform: Platform; kind: AddressKind },
  { token, address }: { token: string | null | undefined; address: AddressBody | undefined },
  { faults, warnings }: { faults: Fault[]; warnings: DeviceWarning[] },
): Address | undefined {
  if (address !== undefined) {
    if (token !== undefined)
      faults.push({ pointer: '/token', detail: 'must be omitted when address is given' });
    if (!fitsPlatform(address.kind, platform)) {
      faults.push({ pointer: '/address/kind', detail: `is not allowed for ${platform} devices` });
    }
    return address.kind === 'web_push'
      ? webPushAddress(address.subscription, warnings)
      : textAddress(address, faults);
  }
  if (token === undefined || token === null) return token === null ? { kind, token } : undefined;
  const detail =
    kind === 'web_push'
      ? 'is not allowed for web push; send an address with a subscription'
      : addressFault(kind, token);
  if (detail !== undefined) faults.push({ pointer: '/token', detail });
  return { kind, token: normalToken(kind, token) };
}

type WebPush = Extract<AddressBody, { kind: 'web_push' }>;

function textAddress({ kind, token }: Exclude<AddressBody, WebPush>, faults: Fault[]): Address {
  const detail = addressFault(kind, token);
  if (detail !== undefined) faults.push({ pointer: '/address/token', detail });
  return { kind, token: normalToken(kind, token) };
}

/** A subscription that no push service gave leaves the device without an address, and never unregistered. */
function webPushAddress(
  subscription: WebPush['subscription'],
  warnings: DeviceWarning[],
): Address | undefined {
  const found = subscriptionFault(subscription);
  if (found === undefined) return { kind: 'web_push', token: subscriptionToken(subscription) };
  const pointer = `/address/subscription/${found.at.replace('.', '/')}`;
  warnings.push({ pointer, code: 'invalid_subscription', detail: found.fault });
  return undefined;
}

const KINDS = {
  idfa: 'idfa',
  idfv: 'idfv',
  oaid: 'oaid',
  androidId: 'android_id',
  customId: 'custom_id',
} as const satisfies Record<keyof IdentifiersBody, IdentifierKind>;

export function readIdentifiers(
  identifiers: IdentifiersBody | undefined,
  pointer: string,
  faults: Fault[],
): IdentifierChanges {
  return Object.entries(KINDS).flatMap(([name, kind]): IdentifierChanges => {
    const text = identifiers?.[name as keyof IdentifiersBody];
    if (text === undefined) return [];
    if (text === null) return [{ kind, digests: null }];
    const digests = digestsOf(kind, text);
    if (typeof digests !== 'string') return [digests];
    faults.push({ pointer: `${pointer}/${name}`, detail: IDENTIFIER_FAULTS[digests] });
    return [];
  });
}
