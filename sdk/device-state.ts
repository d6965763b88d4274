import type { PropertyValue } from './state.ts';

/** A browser's push subscription, as `subscription.toJSON()` gives it. */
export interface WebSubscription {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** What may change of a device. */
export interface DeviceChanges {
  /** APNs or FCM; null says that there is none any more. */
  readonly token?: string | null;
  /** Web; null says that there is none any more. */
  readonly subscription?: WebSubscription | null;
  /** Names the user: signed by the app's backend. Null ends it. */
  readonly userToken?: string | null;
  readonly timeZone?: string;
  readonly locale?: string;
  readonly appVersion?: string;
  readonly attributes?: Readonly<Record<string, PropertyValue>>;
  readonly tags?: readonly string[];
}

export interface NewDevice extends DeviceChanges {
  readonly platform: 'ios' | 'android' | 'web';
  /** The app's own ID of the device; without it the SDK makes one. */
  readonly deviceId?: string;
}

/** Why the server refused a change. */
export interface Fault {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export interface DeviceState {
  id: string;
  /** Made by the SDK, which may replace it. */
  isOwnId: boolean;
  secret: string | null;
  platform: NewDevice['platform'];
  /** All that was said, to register anew with. */
  profile: DeviceChanges;
  /** What the server was not told yet; null when it need not hear from the device. */
  changes: DeviceChanges | null;
  /** A registration that may have reached the server: repeated word for word until it is answered. */
  registering: { readonly key: string; readonly body: object } | null;
  /** A wish that the server was not told yet. */
  unsubscribe: boolean | null;
  /** Nothing is tried until the app says something else. */
  fault: Fault | null;
}

export type DeviceStep =
  | { readonly kind: 'register'; readonly key: string; readonly body: object }
  | { readonly kind: 'refresh'; readonly changes: DeviceChanges }
  | { readonly kind: 'unsubscribe'; readonly wish: boolean };

export function createDevice({ platform, deviceId, ...profile }: NewDevice, ownId: string): DeviceState {
  return {
    id: deviceId ?? ownId,
    isOwnId: deviceId === undefined,
    secret: null,
    platform,
    profile,
    changes: null,
    registering: null,
    unsubscribe: null,
    fault: null,
  };
}

export function changeDevice(device: DeviceState, changes: DeviceChanges): void {
  device.profile = { ...device.profile, ...changes };
  device.fault = null;
  // What is registered anew is told all; what is under way is told the rest afterwards.
  if (device.secret !== null || device.registering !== null)
    device.changes = { ...device.changes, ...changes };
}

/** What the server has to be told next. */
export function nextStep(device: DeviceState, newKey: () => string): DeviceStep | undefined {
  if (device.fault !== null) return undefined;
  if (device.secret === null) {
    const { id: deviceId, platform, profile } = device;
    device.registering ??= { key: newKey(), body: { deviceId, platform, ...profile } };
    return { kind: 'register', ...device.registering };
  }
  if (device.changes !== null) return { kind: 'refresh', changes: device.changes };
  if (device.unsubscribe !== null) return { kind: 'unsubscribe', wish: device.unsubscribe };
  return undefined;
}

export function stepDone(device: DeviceState, step: DeviceStep, answer: unknown): void {
  if (step.kind === 'register') {
    if (device.registering?.key !== step.key) return;
    device.registering = null;
    device.secret = (answer as { secret: string }).secret;
  } else if (step.kind === 'refresh') {
    device.changes = whatIsNew(device.changes, step.changes);
  } else if (device.unsubscribe === step.wish) {
    device.unsubscribe = null;
  }
}

export function stepRefused(device: DeviceState, step: DeviceStep, fault: Fault, newId: string): void {
  const isForgotten = fault.code === 'not_found' && step.kind !== 'register';
  const isStranger = fault.code === 'device_secret_required';
  if (isForgotten || isStranger) forgetSecret(device);
  if (isForgotten) return;
  if (isStranger && device.isOwnId) {
    device.id = newId;
    return;
  }
  device.registering = null;
  if (step.kind === 'refresh') device.changes = whatIsNew(device.changes, step.changes);
  if (step.kind === 'unsubscribe') device.unsubscribe = null;
  device.fault = fault;
}

/** It registers anew, with all that is known of it. */
export function forgetSecret(device: DeviceState): void {
  device.secret = null;
  device.registering = null;
  device.changes = null;
}

/** What was said while a request was under way. */
function whatIsNew(changes: DeviceChanges | null, told: DeviceChanges): DeviceChanges | null {
  if (changes === null) return null;
  const said = Object.entries(changes).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(told[name as keyof DeviceChanges]),
  );
  return said.length === 0 ? null : Object.fromEntries(said);
}
