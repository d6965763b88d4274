import { z } from 'zod';
import type { Environment } from './environment.ts';
import { count } from './output.ts';

const Imported = z.object({
  imported: z.int(),
  badRows: z.int(),
  repeated: z.int(),
  optOutsKept: z.int(),
  leftOut: z.record(z.string(), z.int()),
  ignoredColumns: z.array(z.string()),
});

/** A list as a European Excel saves it: UTF-16, semicolons, its own words, and a column for everything. */
const FIRST = [
  'sep=;',
  'Device ID;Platform;User-ID;E-Mail;Time zone;Last active;Unsubscribed;',
  'crm-1; iPhone ;u-crm-1;ann@shop.example;europe/berlin;1.11.2026 10:00;FALSCH;',
  'crm-2;ANDROID;u-crm-2;bob@shop.example;Mars;13.10.2026;WAHR;',
  'crm-3;web;u-crm-3;;;;;',
  'crm-3;Web;u-crm-3;zoë@shop.example;;;nein;',
  'crm-4;fridge;8.61E+17;;;;;',
  ';;;;;;;',
];
/** The refreshed list of the next day no longer says that a user has opted out. */
const NEXT_DAY = ['device_id,platform,unsubscribed', 'crm-1,ios,', 'crm-2,android,false'];

/** Imports a list as it comes out of a CRM, whose devices are in no audience of the demo. */
export async function importCrmExport({ output, marketer }: Environment): Promise<void> {
  const utf16 = Buffer.from(`\ufeff${FIRST.join('\r\n')}\r\n`, 'utf16le');
  const path = '/v1/devices/import';
  const first = await marketer.upload(path, new Blob([utf16], { type: 'text/csv' }), Imported);
  const next = await marketer.upload(path, new Blob([NEXT_DAY.join('\n')], { type: 'text/csv' }), Imported);
  const isRight =
    first.imported === 3 && first.badRows === 1 && first.repeated === 1 && next.optOutsKept === 1;
  if (!isRight) throw new Error(`The CRM export was read wrongly: ${JSON.stringify([first, next])}`);
  output.step(
    `A messy CRM export (UTF-16, semicolons, WAHR): ${count(first.imported)} devices imported, ` +
      `${count(first.badRows)} bad row told, ${first.ignoredColumns.join(', ')} ignored, ` +
      `${count(next.optOutsKept)} opt-out kept`,
  );
}
