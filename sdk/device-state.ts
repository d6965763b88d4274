export type PropertyValue = string | number | boolean | null;

/** A browser's push subscription, as `subscription.toJSON()` gives it. */
export interface WebSubscription {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

export type Address =
  | { readonly kind: 'web_push'; readonly subscription: WebSubscription }
  | {
      readonly kind:
        | 'apns_token'
        | 'fcm_token'
        | 'fcm_installation_id'
        | 'huawei'
        | 'honor'
        | 'xiaomi'
        | 'oppo'
        | 'vivo'
        | 'meizu';
      readonly token: string;
    };

/** The fields of a device that may change. */
export interface DeviceChanges {
  /** A token of APNs or FCM. Null says that the device, of any kind, can no longer be reached. */
  readonly token?: string | null;
  /** Any kind of address, instead of `token`. */
  readonly address?: Address;
  /** Other IDs that audiences know the device by; hashed ones as in md5:… and sha256:… */
  readonly identifiers?: Readonly<
    Partial<Record<'idfa' | 'idfv' | 'oaid' | 'androidId' | 'customId', string | null>>
  >;
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

/** The reason why a change was refused: by the server, or by the SDK (status 0). */
export interface Fault {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** The fields at fault (RFC 6901). */
  readonly pointers?: readonly string[];
}

export interface DeviceState {
  id: string;
  /** The SDK made the ID, and may replace it. */
  isOwnId: boolean;
  secret: string | null;
  /**
   * Whether the server has the device, as far as the device knows. A device that the server has forgotten
   * registers again, and sends its secret if it has one.
   */
  isRegistered: boolean;
  platform: NewDevice['platform'];
  /** All fields that the app has set, for another registration. */
  profile: DeviceChanges;
  /** Changes that the server was not told yet; null when there is no reason for a request. */
  changes: DeviceChanges | null;
  /** A registration that may have reached the server, repeated unchanged until it is answered. */
  registering: { readonly key: string; readonly body: object } | null;
  /** An opt-out or opt-in that the server was not told yet. */
  unsubscribe: boolean | null;
  /** A user change that the server was not told yet. A null token unbinds the device. */
  user: { readonly token: string | null } | null;
  /** The last accepted values of both, sent again to a server that has forgotten the device. */
  accepted?: { readonly unsubscribe?: boolean; readonly userToken?: string | null };
  /** The last refusal. The device is not registered again until the app changes a field. */
  fault: Fault | null;
}

export type DeviceStep =
  | { readonly kind: 'register'; readonly key: string; readonly body: object }
  | { readonly kind: 'refresh'; readonly changes: DeviceChanges }
  | { readonly kind: 'unsubscribe'; readonly wish: boolean }
  | { readonly kind: 'bind'; readonly token: string | null };

export function createDevice({ platform, deviceId, ...profile }: NewDevice, ownId: string): DeviceState {
  return {
    id: deviceId ?? ownId,
    isOwnId: deviceId === undefined,
    secret: null,
    isRegistered: false,
    platform,
    profile,
    changes: null,
    registering: null,
    unsubscribe: null,
    user: null,
    fault: null,
  };
}

export function changeDevice(device: DeviceState, changes: DeviceChanges): void {
  device.profile = merged(device.profile, changes);
  device.fault = null;
  // Another registration carries all fields. A registration under way is followed by the remaining changes.
  if (device.isRegistered || device.registering !== null) device.changes = merged(device.changes, changes);
}

/** A device has one address, so a token replaces an address, and an address replaces a token. */
function merged(before: DeviceChanges | null, changes: DeviceChanges): DeviceChanges {
  const { token, address, ...rest } = before ?? {};
  const isMoved = changes.token !== undefined || changes.address !== undefined;
  return {
    ...rest,
    ...(!isMoved && token !== undefined && { token }),
    ...(!isMoved && address !== undefined && { address }),
    ...changes,
  };
}

/** The next request that the server needs. */
export function nextStep(device: DeviceState, newKey: () => string): DeviceStep | undefined {
  if (!device.isRegistered) {
    if (device.fault !== null) return undefined;
    device.registering ??= { key: newKey(), body: registrationOf(device) };
    return { kind: 'register', ...device.registering };
  }
  if (device.unsubscribe === true) return { kind: 'unsubscribe', wish: true };
  if (device.changes !== null) return { kind: 'refresh', changes: device.changes };
  if (device.unsubscribe !== null) return { kind: 'unsubscribe', wish: device.unsubscribe };
  if (device.user !== null) return { kind: 'bind', token: device.user.token };
  return undefined;
}

/**
 * An opted-out device registers without an address. The address follows once the server knows the opt-out.
 */
function registrationOf(device: DeviceState): object {
  const { id: deviceId, platform, profile } = device;
  if (device.unsubscribe !== true) return { deviceId, platform, ...profile };
  const { token, address, ...rest } = profile;
  const where = { ...(token !== undefined && { token }), ...(address !== undefined && { address }) };
  if (Object.keys(where).length > 0) device.changes = merged(where, device.changes ?? {});
  return { deviceId, platform, ...rest };
}

export function stepDone(device: DeviceState, step: DeviceStep, answer: unknown): void {
  if (step.kind === 'unsubscribe') device.accepted = { ...device.accepted, unsubscribe: step.wish };
  if (step.kind === 'bind') device.accepted = { ...device.accepted, userToken: step.token };
  if (step.kind !== 'register') forgetWish(device, step);
  else if (device.registering?.key === step.key) {
    device.registering = null;
    device.secret = (answer as { secret: string }).secret;
    device.isRegistered = true;
  }
}

export function stepRefused(device: DeviceState, step: DeviceStep, fault: Fault, newId: string): void {
  const isForgotten = fault.code === 'not_found' && step.kind !== 'register';
  const isStranger = fault.code === 'device_secret_required';
  if (isForgotten) {
    registerAnew(device);
    return;
  }
  if (isStranger) forgetSecret(device);
  if (isStranger && device.isOwnId) {
    device.id = newId;
    return;
  }
  device.registering = null;
  forgetWish(device, step);
  device.fault = fault;
}

/** Forgets the sent wish, unless the app changed it while the request was under way. */
function forgetWish(device: DeviceState, step: DeviceStep): void {
  if (step.kind === 'refresh') device.changes = whatIsNew(device.changes, step.changes);
  if (step.kind === 'unsubscribe' && device.unsubscribe === step.wish) device.unsubscribe = null;
  if (step.kind === 'bind' && device.user?.token === step.token) device.user = null;
}

/**
 * Starts another registration with all known fields. If the user token has expired, the server refuses it and
 * the app is told through `onError`.
 */
function registerAnew(device: DeviceState): void {
  device.isRegistered = false;
  device.registering = null;
  device.changes = null;
  const { unsubscribe = false, userToken = null } = device.accepted ?? {};
  if (unsubscribe) device.unsubscribe ??= true;
  if (userToken !== null) device.user ??= { token: userToken };
  delete device.accepted;
}

export function forgetSecret(device: DeviceState): void {
  registerAnew(device);
  device.secret = null;
}

/** The changes that the app made while a request was under way. */
function whatIsNew(changes: DeviceChanges | null, told: DeviceChanges): DeviceChanges | null {
  if (changes === null) return null;
  const said = Object.entries(changes).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(told[name as keyof DeviceChanges]),
  );
  return said.length === 0 ? null : Object.fromEntries(said);
}
