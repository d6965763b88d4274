import type { Db } from '../db/database.ts';
import type { Channel } from '../domain/platform.ts';
import type { PushService } from '../providers/push-service.ts';

export interface PushServices {
  /** The app's connected service; undefined when the app has no credential for the channel. */
  open(appId: string, channel: Channel): Promise<PushService | undefined>;
  close(): Promise<void>;
}

/** The stored credential cannot be decrypted, or is not one that the push service's adapter takes. */
export class UnusableCredential extends Error {
  override name = 'UnusableCredential';
}

type Connect = (channel: Channel, credential: unknown) => PushService;

interface Connected {
  readonly version: number;
  readonly service: PushService;
}

/** Keeps one service per credential; a changed credential is connected anew at the next lease. */
export function createPushServices(
  db: Db,
  unseal: (sealed: Buffer) => string,
  connect: Connect,
): PushServices {
  const connected = new Map<string, Connected>();

  function connectSealed(channel: Channel, sealed: Buffer): PushService {
    try {
      return connect(channel, JSON.parse(unseal(sealed)));
    } catch (error) {
      throw new UnusableCredential(`the ${channel} credential cannot be used`, { cause: error });
    }
  }

  return {
    async open(appId, channel) {
      const row = await db
        .selectFrom('credentials')
        .select(['sealed', 'version'])
        .where('app_id', '=', appId)
        .where('channel', '=', channel)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const key = `${appId} ${channel}`;
      const current = connected.get(key);
      if (current?.version === row.version) return current.service;
      const service = connectSealed(channel, row.sealed);
      connected.set(key, { version: row.version, service });
      void current?.service.close();
      return service;
    },
    async close() {
      await Promise.all([...connected.values()].map(({ service }) => service.close()));
    },
  };
}
