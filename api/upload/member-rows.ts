import type { AudienceMember } from '../../db/audiences/upload-progress.ts';
import { isZeroDeviceId } from '../../domain/devices/identifier.ts';
import type { RowNotes } from './row-report.ts';
import { idOf } from './row-text.ts';

export const MEMBER_COLUMNS = ['device_id', 'user_id'] as const;
export type MemberColumn = (typeof MEMBER_COLUMNS)[number];

/** A row must have exactly one of the two IDs. */
export function toMember(
  _line: number,
  raw: { readonly [Column in MemberColumn]?: unknown },
  notes: RowNotes,
): AudienceMember | undefined {
  const device = idOf('device_id', raw.device_id, notes);
  const user = idOf('user_id', raw.user_id, notes);
  if (notes.faults.length > 0) return undefined;
  if (device && user) return notes.refuse(null, 'both_ids');
  if (device && isZeroDeviceId(device)) return notes.refuse('device_id', 'all_zeros');
  if (device) return { kind: 'device', id: device };
  return user ? { kind: 'user', id: user } : notes.refuse(null, 'missing_id');
}
