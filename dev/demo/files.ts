import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { CsvFile } from '../devices/csv-file.ts';
import type { Generated } from '../devices/generator.ts';
import { createClient } from './client.ts';
import type { Differences } from './differences.ts';
import { count, type Screen } from './screen.ts';
import type { Stage } from './stage.ts';

const Faults = z.object({
  rows: z.int(),
  badRows: z.int(),
  errors: z.array(z.object({ line: z.int(), field: z.string().nullable(), reason: z.string() })),
});
const Imported = z.object({ ...Faults.shape, created: z.int(), updated: z.int() });
const Uploaded = z.object({ ...Faults.shape, id: z.string(), members: z.int(), repeated: z.int() });
const Secret = z.object({ secret: z.string() });

/** Imports the devices, uploads the audience, and has some devices unsubscribe; returns the audience's ID. */
export async function loadFiles(
  stage: Stage,
  generated: Generated,
  screen: Screen,
  differences: Differences,
): Promise<string> {
  const { marketer } = stage;
  const { devices, audience } = generated;
  screen.step(`Importing ${count(devices.rows)} rows of devices over HTTP …`);
  const startedAt = performance.now();
  const imported = await marketer.upload('/v1/devices/import', devices.path, Imported);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  screen.step(
    `Imported ${count(imported.created)} devices in ${seconds} s; ${badRowText(imported)}, first: ${firstFault(imported)}`,
  );
  compareFile('import', imported, devices, differences);
  differences.equal('import: created', devices.rows - devices.errors.length, imported.created);

  const uploaded = await marketer.upload('/v1/audiences/upload?name=Demo', audience.path, Uploaded);
  screen.step(
    `Uploaded an audience of ${count(uploaded.members)} device and user IDs; ` +
      `${count(uploaded.repeated)} repeated lines, ${badRowText(uploaded)}`,
  );
  compareFile('audience', uploaded, audience, differences);
  differences.equal('audience: members', audience.deviceIds.size + audience.userIds.size, uploaded.members);
  differences.equal('audience: repeated', audience.repeated, uploaded.repeated);
  await unsubscribe(stage, generated);
  return uploaded.id;
}

type Faults = z.infer<typeof Faults>;

function compareFile(name: string, answer: Faults, file: CsvFile, differences: Differences): void {
  differences.equal(`${name}: rows`, file.rows, answer.rows);
  differences.equal(`${name}: bad rows`, file.errors.length, answer.badRows);
  const shown = file.errors.slice(0, answer.errors.length);
  if (!isDeepStrictEqual(shown.map(fault), answer.errors.map(fault))) {
    differences.add(`${name}: the bad rows are not those that were written`);
  }
}

function fault({ line, field, reason }: Faults['errors'][number]): string {
  return `line ${line}${field === null ? '' : `, ${field}`}: ${reason}`;
}

function firstFault({ errors: [first] }: Faults): string {
  return first === undefined ? 'none' : fault(first);
}

function badRowText({ badRows }: Faults): string {
  return `${count(badRows)} bad rows reported`;
}

/** As an SDK does: the device registers itself, and shows the secret that it got when it unsubscribes. */
async function unsubscribe({ apiUrl, app }: Stage, { unsubscribing }: Generated): Promise<void> {
  const registering = createClient(apiUrl, app.keys.sdk);
  for (const { deviceId, platform, token } of unsubscribing) {
    const { secret } = await registering.post('/v1/devices', { deviceId, platform, token }, Secret);
    const device = createClient(apiUrl, app.keys.sdk, { 'x-device-secret': secret });
    await device.post(`/v1/devices/${deviceId}/unsubscribe`, undefined, z.object({}));
  }
}
