import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDevCredentials } from '../simulators/credentials.ts';
import { type RunningSimulators, startSimulators } from '../simulators/start.ts';

type Known = ReturnType<typeof createDevCredentials>;

/** Made once: the app that was created with these credentials has to be known to the simulators ever after. */
function keptCredentials(dataDir: string): Known {
  const file = join(dataDir, 'simulators.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const known = createDevCredentials();
  writeFileSync(file, JSON.stringify(known, null, 2), { mode: 0o600 });
  return known;
}

export interface KeptSimulators {
  readonly simulators: RunningSimulators;
  readonly credentials: Known['credentials'];
  /** What config.ts has to know to send to them. */
  readonly env: Record<string, string>;
}

/** Push services that take everything and send nothing, with credentials that survive in the data directory. */
export async function startKeptSimulators(dataDir: string): Promise<KeptSimulators> {
  const { credentials, config } = keptCredentials(dataDir);
  const simulators = await startSimulators(config);
  return {
    simulators,
    credentials,
    env: {
      APNS_URL: simulators.apnsUrl,
      FCM_URL: simulators.fcmUrl,
      FCM_TOKEN_URL: simulators.fcmTokenUrl,
      PUSH_CA_FILE: simulators.caFile,
    },
  };
}
