import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDevCredentials } from '../simulators/credentials.ts';
import { type RunningSimulators, startSimulators } from '../simulators/start.ts';

type Known = ReturnType<typeof createDevCredentials>;

/** The credentials are kept in a file, because the app that was created with them outlives the simulators. */
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
  /** The variables of config.ts that lead to the simulators. */
  readonly env: Record<string, string>;
}

/** Push services that accept everything and send nothing, with credentials that the data directory keeps. */
export async function startKeptSimulators(dataDir: string): Promise<KeptSimulators> {
  const { credentials, config } = keptCredentials(dataDir);
  const simulators = await startSimulators(config);
  return { simulators, credentials, env: endpointsOf(simulators) };
}

/** The environment of a product that sends to these simulators. */
export function endpointsOf(simulators: RunningSimulators): Record<string, string> {
  return {
    APNS_URL: simulators.apnsUrl,
    FCM_URL: simulators.fcmUrl,
    FCM_TOKEN_URL: simulators.fcmTokenUrl,
    PUSH_CA_FILE: simulators.caFile,
  };
}
