import { createDevCredentials } from '../simulators/credentials.ts';
import { type RunningSimulators, startSimulators } from '../simulators/start.ts';
import { type Product, startProduct } from '../stack/product.ts';
import { createSampleApp, type SampleApp } from '../stack/sample-app.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { type Client, createClient } from './client.ts';
import type { Lifetime } from './lifetime.ts';
import type { Plan } from './plan.ts';
import type { Screen } from './screen.ts';

/** Everything that runs, and who acts on it. */
export interface Stage {
  readonly stack: Stack;
  readonly simulators: RunningSimulators;
  readonly apiUrl: string;
  readonly app: SampleApp;
  readonly marketer: Client;
  readonly approver: Client;
  readonly operator: Client;
  /** Runs the API and the worker again with the window that they have in production. */
  useRealWindow(): Promise<void>;
}

/** The whole product with real Postgres, Temporal and HTTP/2; only the push services are simulated. */
export async function setStage(lifetime: Lifetime, screen: Screen, plan: Plan): Promise<Stage> {
  screen.step('Starting Postgres, Temporal and the simulators of APNs and FCM …');
  const stack = lifetime.own(await startStack({ keep: false, ui: true }));
  const { credentials, config } = createDevCredentials();
  const { switches } = plan;
  const simulators = lifetime.own(
    await startSimulators({ apns: { ...config.apns, switches }, fcm: { ...config.fcm, switches } }),
  );
  const endpoints = {
    APNS_URL: simulators.apnsUrl,
    FCM_URL: simulators.fcmUrl,
    FCM_TOKEN_URL: simulators.fcmTokenUrl,
    PUSH_CA_FILE: simulators.caFile,
  };
  const onUnexpectedExit = (name: string, logFile: string, reason: string) => {
    if (!lifetime.isEnding) screen.say(`The process ${name} ended (${reason}). Its log: ${logFile}`);
    void lifetime.end(1);
  };
  const start = async (env: Record<string, string>, apiPort?: number): Promise<Product> =>
    lifetime.own(await startProduct({ stack, env, onUnexpectedExit, ...(apiPort && { apiPort }) }));

  screen.step('Migrating the database; starting the API and a worker …');
  const product = await start({ ...endpoints, RECEIPT_WINDOW_SECONDS: String(plan.windowSeconds) });
  const { apiUrl } = product;
  const app = await createSampleApp({ apiUrl, adminKey: stack.env.ADMIN_KEY, credentials, name: 'Demo' });
  return {
    ...{ stack, simulators, apiUrl, app },
    marketer: createClient(apiUrl, app.keys.marketer),
    approver: createClient(apiUrl, app.keys.approver),
    operator: createClient(apiUrl, app.keys.operator),
    async useRealWindow() {
      await product.stop();
      await start(endpoints, Number(new URL(apiUrl).port));
    },
  };
}
