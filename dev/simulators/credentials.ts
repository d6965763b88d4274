import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { SimulatorConfigInput } from './config.ts';

export interface DevCredentials {
  readonly apns: {
    readonly teamId: string;
    readonly keyId: string;
    readonly privateKey: string;
    readonly topic: string;
  };
  readonly fcm: {
    readonly type: 'service_account';
    readonly project_id: string;
    readonly private_key_id: string;
    readonly private_key: string;
    readonly client_email: string;
  };
}

const PUBLIC = { type: 'spki', format: 'pem' } as const;
const PRIVATE = { type: 'pkcs8', format: 'pem' } as const;

/** Credentials of an imaginary app, and the configuration of simulators that know them. */
export function createDevCredentials(topic = 'dev.signalbox.app'): {
  readonly credentials: DevCredentials;
  readonly config: Pick<SimulatorConfigInput, 'apns' | 'fcm'> & {
    readonly apns: NonNullable<SimulatorConfigInput['apns']>;
    readonly fcm: NonNullable<SimulatorConfigInput['fcm']>;
  };
} {
  const apnsKey = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: PUBLIC,
    privateKeyEncoding: PRIVATE,
  });
  const fcmKey = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: PUBLIC,
    privateKeyEncoding: PRIVATE,
  });
  const [teamId, keyId] = [tenCharacters(), tenCharacters()];
  const projectId = `signalbox-dev-${randomBytes(3).toString('hex')}`;
  const clientEmail = `sender@${projectId}.iam.gserviceaccount.com`;
  return {
    credentials: {
      apns: { teamId, keyId, privateKey: apnsKey.privateKey, topic },
      fcm: {
        type: 'service_account',
        project_id: projectId,
        private_key_id: randomBytes(20).toString('hex'),
        private_key: fcmKey.privateKey,
        client_email: clientEmail,
      },
    },
    config: {
      apns: { keys: [{ teamId, keyId, publicKey: apnsKey.publicKey, topics: [topic] }] },
      fcm: { accounts: [{ projectId, clientEmail, publicKey: fcmKey.publicKey }] },
    },
  };
}

function tenCharacters(): string {
  return randomBytes(5).toString('hex').toUpperCase();
}
