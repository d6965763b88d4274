import { openAsBlob } from 'node:fs';
import { z } from 'zod';
import type { Generated } from '../devices/generator.ts';
import { createClient } from './client.ts';
import { importCrmExport } from './crm-export.ts';
import type { Environment } from './environment.ts';
import { count } from './output.ts';

const FileErrors = z.object({
  badRows: z.int(),
  errors: z.array(z.object({ line: z.int(), field: z.string().nullable(), reason: z.string() })),
});
const Imported = z.object({ ...FileErrors.shape, created: z.int() });
const Uploaded = z.object({ ...FileErrors.shape, id: z.string(), members: z.int() });
const Secret = z.object({ secret: z.string() });

export interface Loaded {
  readonly audienceId: string;
  /** Rows that the API refused, by file. */
  readonly badRows: { readonly devices: number; readonly audience: number };
}

/** Imports the devices, uploads the audience, and has some devices unsubscribe. */
export async function loadFiles(environment: Environment, generated: Generated): Promise<Loaded> {
  const { output, marketer } = environment;
  const startedAt = performance.now();
  const devices = await marketer.upload('/v1/devices/import', await csv(generated.devices.path), Imported);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  output.step(`${count(devices.created)} devices imported in ${seconds} s; ${badRowText(devices)}`);
  await importCrmExport(environment);
  const path = '/v1/audiences/upload?name=Demo';
  const audience = await marketer.upload(path, await csv(generated.audience.path), Uploaded);
  output.step(`Audience of ${count(audience.members)} IDs uploaded; ${badRowText(audience)}`);
  await unsubscribe(environment, generated);
  return {
    audienceId: audience.id,
    badRows: { devices: devices.badRows, audience: audience.badRows },
  };
}

function csv(path: string): Promise<Blob> {
  return openAsBlob(path, { type: 'text/csv' });
}

function badRowText({ badRows, errors: [first] }: z.infer<typeof FileErrors>): string {
  const where =
    first === undefined ? '' : ` (line ${first.line}: ${first.field ?? 'row'} ${first.reason}, …)`;
  return `${count(badRows)} bad rows reported${where}`;
}

/** Registers each device as the SDK does, and unsubscribes it with its secret. */
async function unsubscribe({ apiUrl, app }: Environment, { unsubscribing }: Generated): Promise<void> {
  const registering = createClient(apiUrl, app.keys.sdk);
  for (const { deviceId, platform, token } of unsubscribing) {
    const { secret } = await registering.post('/v1/devices', { deviceId, platform, token }, Secret);
    const device = createClient(apiUrl, app.keys.sdk, { 'x-device-secret': secret });
    await device.post(`/v1/devices/${deviceId}/unsubscribe`, undefined, z.object({}));
  }
}
