import type { DeviceImportRow } from '../../db/devices/device-import.ts';
import type { UnknownColumns } from './columns.ts';
import {
  DEVICE_ALIASES,
  DEVICE_COLUMNS,
  type RawDevice,
  type RowContext,
  UNSET_COLUMNS,
} from './device-columns.ts';
import { toDeviceRow } from './device-rows.ts';
import { PRESETS } from './presets.ts';
import type { RowReader } from './rows.ts';

interface DeviceFile extends RowContext {
  readonly unknownColumns: UnknownColumns;
  readonly preset?: keyof typeof PRESETS | undefined;
}

/** Reads the rows of a file of devices, or of another product's export. */
export function deviceReader({
  unknownColumns,
  preset,
  ...context
}: DeviceFile): RowReader<string, DeviceImportRow> {
  const read: RowReader<string, DeviceImportRow>['read'] = (line, raw, notes) =>
    toDeviceRow(context, line, raw as RawDevice, notes);
  if (preset === undefined) {
    const naming = { known: DEVICE_COLUMNS, required: ['device_id', 'platform'], aliases: DEVICE_ALIASES };
    return { ...naming, unset: UNSET_COLUMNS, unknownColumns, read };
  }
  const { columns, required, devicesOf } = PRESETS[preset];
  return {
    known: columns,
    required,
    unknownColumns,
    expand: (given, notes) =>
      devicesOf(given, notes).map((device) =>
        given.extra === undefined ? device : { ...device, extra: given.extra },
      ),
    read,
  };
}
