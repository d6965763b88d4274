import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDevCredentials } from '../../dev/simulators/credentials.ts';
import { openSimulators } from '../../dev/simulators/simulators.ts';

// The simulators in a container, which others reach under its name.

const [directory = '/trial'] = process.argv.slice(2);
const { config, credentials } = createDevCredentials();
const ports = { control: 9000, apns: 9001, fcm: 9002, fcmToken: 9003 };
const simulators = await openSimulators({ ...config, directory, ports, host: 'simulators' });
process.once('SIGTERM', async () => {
  await simulators.close();
  process.exit(0);
});
writeFileSync(join(directory, 'credentials.json'), JSON.stringify(credentials));
