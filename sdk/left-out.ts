import type { DeviceChanges, DeviceState, DeviceStep, Fault } from './device-state.ts';
import { isSendable, type Sifted, sift, type Unfit } from './sift.ts';

/** Fields whose entries stand for themselves: one faulty entry does not cost the others. */
const RECORDS = ['attributes', 'identifiers'];

/** Without these a device is not the one that the app meant, so that a fault there refuses the call. */
const ESSENTIAL = /^(?:\/(?:deviceId|platform|token)|\/address\/(?:kind|token))?$/;

export function siftDevice<Fields extends object>(fields: Fields): Sifted<Fields> {
  return sift(fields, RECORDS);
}

export function isEssential({ pointer }: Unfit): boolean {
  return ESSENTIAL.test(pointer);
}

export function unsendable(faults: readonly Unfit[]): Fault {
  const detail = faults.map((fault) => `${fault.pointer} ${fault.detail}`).join('; ');
  return { status: 0, code: 'not_sendable', detail, pointers: faults.map(({ pointer }) => pointer) };
}

/** Mends a device that an earlier version stored with values that JSON cannot hold. */
export function mendDevice(device: DeviceState): Fault | undefined {
  if (isSendable(device)) return undefined;
  const profile = siftDevice(device.profile);
  const changes = siftDevice(device.changes ?? {});
  const { kept: user, faults } = sift({ userToken: device.user?.token });
  device.profile = profile.kept;
  if (device.changes !== null) device.changes = changes.kept;
  if (user.userToken === undefined) device.user = null;
  device.registering = null;
  return unsendable([...profile.faults, ...changes.faults, ...faults]);
}

/**
 * Removes the fields that the server refused, so that an odd time zone does not cost the address. False when
 * the call has to be refused: an essential field is at fault, or the server named no field of the request.
 */
export function leaveOut(device: DeviceState, step: DeviceStep, { pointers = [] }: Fault): boolean {
  const sent = step.kind === 'register' ? step.body : step.kind === 'refresh' ? step.changes : undefined;
  if (sent === undefined || pointers.length === 0) return false;
  if (pointers.some((pointer) => isEssential({ pointer, detail: '' }))) return false;
  const places = pointers.map(placeOf);
  if (!places.every((place) => valueAt(sent, place) !== undefined)) return false;
  device.profile = without(device.profile, places, sent);
  device.changes = device.changes && without(device.changes, places, sent);
  device.registering = null;
  return true;
}

type Place = readonly [field: string, entry?: string];

function placeOf(pointer: string): Place {
  const [field = '', entry] = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return entry !== undefined && RECORDS.includes(field) ? [field, entry] : [field];
}

function valueAt(fields: object, [field, entry]: Place): unknown {
  const value = (fields as Record<string, unknown>)[field];
  return entry === undefined ? value : Object(value)[entry];
}

/** Keeps a field that the app has changed since the request was made. */
function without(fields: DeviceChanges, places: readonly Place[], sent: object): DeviceChanges {
  const rest: Record<string, unknown> = { ...fields };
  for (const place of places) {
    if (JSON.stringify(valueAt(rest, place)) !== JSON.stringify(valueAt(sent, place))) continue;
    const [field, entry] = place;
    if (entry === undefined) delete rest[field];
    else rest[field] = omit(rest[field], entry);
  }
  return rest;
}

function omit(record: unknown, name: string): object {
  return Object.fromEntries(Object.entries(Object(record)).filter(([entry]) => entry !== name));
}
