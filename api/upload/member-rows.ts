import type { AudienceMember } from '../../db/audiences/upload-progress.ts';
import { EXTERNAL_ID } from '../../domain/devices/device.ts';
import { isZeroDeviceId } from '../../domain/devices/identifier.ts';
import { RowFault } from './device-rows.ts';

export const MEMBER_COLUMNS = ['device_id', 'user_id'] as const;
export type MemberColumn = (typeof MEMBER_COLUMNS)[number];

/** A row must have exactly one of the two IDs. Throws a RowFault. */
export function toMember(
  _line: number,
  raw: { readonly [Column in MemberColumn]?: unknown },
): AudienceMember {
  const device = isGiven(raw.device_id);
  const user = isGiven(raw.user_id);
  if (device && user) throw new RowFault(null, 'both_ids');
  if (!device && !user) throw new RowFault(null, 'missing_id');
  return device
    ? { kind: 'device', id: idOf('device_id', raw.device_id) }
    : { kind: 'user', id: idOf('user_id', raw.user_id) };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function idOf(field: MemberColumn, value: unknown): string {
  if (typeof value !== 'string') throw new RowFault(field, 'not_text');
  if (!EXTERNAL_ID.test(value)) throw new RowFault(field, 'invalid_id');
  if (field === 'device_id' && isZeroDeviceId(value)) throw new RowFault(field, 'all_zeros');
  return value;
}
