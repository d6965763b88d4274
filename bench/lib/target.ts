import type { DevCredentials } from '../../dev/simulators/credentials.ts';
import type { Content } from '../../domain/content/content.ts';
import type { BenchOptions } from './options.ts';
import type { Rig } from './rig.ts';
import { CONTENT } from './tasks.ts';

/** The data that a sender outside the product needs for the same requests to the same simulators. */
export interface Target {
  readonly apnsUrl: string;
  readonly fcmUrl: string;
  readonly fcmTokenUrl: string;
  readonly ca: string;
  readonly credentials: DevCredentials;
  readonly content: Content;
  readonly platforms: BenchOptions['platform'];
}

export function targetOf(rig: Rig, platforms: Target['platforms']): Target {
  const { apnsUrl, fcmUrl, fcmTokenUrl, ca } = rig.simulators;
  const content: Content = { ...CONTENT, ttlSeconds: 86_400, priority: 'high' };
  return { apnsUrl, fcmUrl, fcmTokenUrl, ca, credentials: rig.credentials, content, platforms };
}
