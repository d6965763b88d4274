import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApnsDecider } from './apns/apns-simulator.ts';
import { createIdentity } from './certificate.ts';
import { SimulatorConfig, type SimulatorConfigInput } from './config.ts';
import { openControl } from './control.ts';
import { FcmAccounts } from './fcm/fcm-accounts.ts';
import { createFcmDecider } from './fcm/fcm-simulator.ts';
import { openOAuthServer } from './fcm/oauth-server.ts';
import { openPushServer } from './push-server.ts';
import { RequestLog } from './request-log.ts';

export interface SimulatorAddresses {
  readonly apnsUrl: string;
  readonly fcmUrl: string;
  readonly fcmTokenUrl: string;
  readonly controlUrl: string;
  readonly caFile: string;
  readonly logFile: string;
}

export interface Simulators {
  readonly addresses: SimulatorAddresses;
  close(): Promise<void>;
}

/** Opens both simulators, the token endpoint and the control API in this process. */
export async function openSimulators(input: SimulatorConfigInput): Promise<Simulators> {
  const config = SimulatorConfig.parse(input);
  const directory = config.directory ?? mkdtempSync(join(tmpdir(), 'signalbox-simulators-'));
  mkdirSync(directory, { recursive: true });
  const caFile = join(directory, 'ca.pem');
  const logFile = join(directory, 'requests.ndjson');
  const identity = await createIdentity(config.host);
  writeFileSync(caFile, identity.ca);
  const log = new RequestLog(logFile);
  const accounts = new FcmAccounts(config.fcm);

  const apns = await openPushServer({
    channel: 'apns',
    identity,
    port: config.ports.apns,
    switches: config.apns.switches,
    log,
    initialStreams: config.apns.initialStreams,
    decide: createApnsDecider(config.apns, config.apns.switches),
  });
  const fcm = await openPushServer({
    channel: 'fcm',
    identity,
    port: config.ports.fcm,
    switches: config.fcm.switches,
    log,
    decide: createFcmDecider(accounts, config.fcm.switches),
  });
  const oauth = await openOAuthServer(identity, config.ports.fcmToken, accounts, config.fcm.switches);
  const control = await openControl(
    {
      log,
      logPath: logFile,
      accounts,
      apns: { switches: config.apns.switches, applySwitches: apns.applySwitches },
      fcm: { switches: config.fcm.switches, applySwitches: fcm.applySwitches },
      dropConnections: () => {
        apns.dropConnections();
        fcm.dropConnections();
      },
    },
    config.ports.control,
    config.host,
  );

  return {
    addresses: {
      apnsUrl: apns.url,
      fcmUrl: fcm.url,
      fcmTokenUrl: oauth.url,
      controlUrl: control.url,
      caFile,
      logFile,
    },
    async close() {
      await Promise.all([apns.close(), fcm.close(), oauth.close(), control.close()]);
      log.close();
      if (config.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}
