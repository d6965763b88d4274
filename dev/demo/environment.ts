import { DeviceSimulator } from '../devices/device-simulator.ts';
import type { Lifetime } from '../lifetime.ts';
import { createDevCredentials } from '../simulators/credentials.ts';
import { type RunningSimulators, startSimulators } from '../simulators/start.ts';
import { endpointsOf } from '../stack/kept-simulators.ts';
import { type Product, startProduct } from '../stack/product.ts';
import { createSampleApp, type SampleApp } from '../stack/sample-app.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { type Client, createClient } from './client.ts';
import type { Output } from './output.ts';
import { type Plan, SEED } from './plan.ts';

/** The running product, the simulators, and the people who use it. */
export interface Environment {
  readonly output: Output;
  readonly stack: Stack;
  readonly simulators: RunningSimulators;
  readonly apiUrl: string;
  readonly app: SampleApp;
  readonly marketer: Client;
  readonly approver: Client;
  readonly operator: Client;
  /** Starts devices that report deliveries to the tokens that `concerns` selects. */
  startDevices(concerns: (token: string) => boolean): Promise<DeviceSimulator>;
  /** Restarts the API and the worker with the receipt window of production. */
  useRealWindow(): Promise<void>;
}

/** The whole product on real Postgres, Temporal and HTTP/2; only the push services are simulated. */
export async function startEnvironment(lifetime: Lifetime, output: Output, plan: Plan): Promise<Environment> {
  const stack = lifetime.own(await startStack({ keep: false, ui: true }));
  const { credentials, config } = createDevCredentials();
  const { switches } = plan;
  const simulators = lifetime.own(
    await startSimulators({ apns: { ...config.apns, switches }, fcm: { ...config.fcm, switches } }),
  );
  const endpoints = endpointsOf(simulators);
  const onUnexpectedExit = (name: string, logFile: string, reason: string) => {
    if (!lifetime.isEnding) output.say(`The process ${name} ended (${reason}). Its log: ${logFile}`);
    void lifetime.end(1);
  };
  const start = async (env: Record<string, string>, apiPort?: number): Promise<Product> =>
    lifetime.own(await startProduct({ stack, env, onUnexpectedExit, ...(apiPort && { apiPort }) }));

  const product = await start({ ...endpoints, RECEIPT_WINDOW_SECONDS: String(plan.windowSeconds) });
  const { apiUrl } = product;
  const app = await createSampleApp({ apiUrl, adminKey: stack.env.ADMIN_KEY, credentials, name: 'Demo' });
  return {
    output,
    stack,
    simulators,
    apiUrl,
    app,
    marketer: createClient(apiUrl, app.keys.marketer),
    approver: createClient(apiUrl, app.keys.approver),
    operator: createClient(apiUrl, app.keys.operator),
    async startDevices(concerns) {
      const { logFile, control } = simulators;
      const flushLog = () => control.counts();
      const sdkKey = app.keys.sdk;
      return lifetime.own(
        await DeviceSimulator.start({ apiUrl, sdkKey, logFile, flushLog, seed: SEED, concerns }),
      );
    },
    async useRealWindow() {
      await product.stop();
      await start(endpoints, Number(new URL(apiUrl).port));
    },
  };
}
