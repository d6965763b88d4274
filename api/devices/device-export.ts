import type { Db } from '../../db/core/database.ts';
import { type DeviceFilter, listDevices } from '../../db/devices/device-list.ts';
import type { Device } from '../../db/devices/device-rows.ts';
import { csvCell } from '../csv/csv-cell.ts';
import { BOM } from '../csv/csv-export.ts';

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

const BATCH = 2_000;

interface ExportArgs {
  readonly appId: string;
  readonly filter: DeviceFilter;
  readonly format: ExportFormat;
  /** Whether a CSV file begins with a byte order mark. */
  readonly bom: boolean;
  readonly now: Date;
}

/**
 * Exports devices in batches, so that a slow reader holds neither memory nor a connection. Tokens and secrets are
 * left out.
 */
export async function* exportDevices(db: Db, args: ExportArgs): AsyncGenerator<string> {
  const { format, bom, ...query } = args;
  if (format === 'csv') yield `${bom ? BOM : ''}${Object.keys(COLUMNS).join(',')}\r\n`;
  let after = '';
  for (;;) {
    const devices = await listDevices(db, { ...query, after, limit: BATCH });
    if (devices.length > 0) yield devices.map(format === 'csv' ? csvLine : jsonLine).join('');
    const last = devices.at(-1);
    if (last === undefined || devices.length < BATCH) return;
    after = last.deviceId;
  }
}

/** Columns that an import file has as well carry the same names. */
const COLUMNS: Readonly<Record<string, (device: Device) => string | null>> = {
  device_id: ({ deviceId }) => deviceId,
  platform: ({ platform }) => platform,
  channel: ({ channel }) => channel,
  address_kind: ({ addressKind }) => addressKind,
  token_state: ({ tokenState }) => tokenState,
  user_id: ({ userId }) => userId,
  time_zone: ({ timeZone }) => timeZone,
  locale: ({ locale }) => locale,
  app_version: ({ appVersion }) => appVersion,
  tags: ({ tags }) => tagsCell(tags),
  attributes: ({ attributes }) => JSON.stringify(attributes),
  last_active_at: ({ lastActiveAt }) => lastActiveAt?.toISOString() ?? null,
  unsubscribed_at: ({ unsubscribedAt }) => unsubscribedAt?.toISOString() ?? null,
  created_at: ({ createdAt }) => createdAt.toISOString(),
};
const CELLS = Object.values(COLUMNS);

/** Tags that an import would split or trim are written as JSON, which it takes as well. */
function tagsCell(tags: readonly string[]): string {
  const isPlain = tags.every((tag) => tag !== '' && tag === tag.trim() && !/^\[|[;\r\n]/.test(tag));
  return isPlain ? tags.join(';') : JSON.stringify(tags);
}

function csvLine(device: Device): string {
  return `${CELLS.map((cell) => csvCell(cell(device) ?? '')).join(',')}\r\n`;
}

function jsonLine(device: Device): string {
  return `${JSON.stringify(device)}\n`;
}
