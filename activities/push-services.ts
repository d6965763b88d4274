import { findCredential } from '../db/apps/credentials.ts';
import type { Db } from '../db/core/database.ts';
import type { Channel } from '../domain/platform.ts';
import type { PushService } from '../providers/push-service.ts';

export interface PushServices {
  /** The app's connected service; undefined when the app has no credential for the channel. */
  open(appId: string, channel: Channel): Promise<PushService | undefined>;
  close(): Promise<void>;
}

/** The stored credential cannot be decrypted, or the push service's adapter does not accept it. */
export class UnusableCredential extends Error {
  override name = 'UnusableCredential';
}

type Connect = (channel: Channel, credential: unknown) => PushService;

/** A service as leases hold it. A lease under way continues with a new credential. */
class Connected implements PushService {
  #service: PushService;
  #version: number;

  constructor(service: PushService, version: number) {
    this.#service = service;
    this.#version = version;
  }

  isOf(version: number): boolean {
    return this.#version === version;
  }

  replace(service: PushService, version: number): void {
    const old = this.#service;
    this.#service = service;
    this.#version = version;
    void old.close();
  }

  send(...message: Parameters<PushService['send']>): ReturnType<PushService['send']> {
    return this.#service.send(...message);
  }

  get trouble(): string | undefined {
    return this.#service.trouble;
  }

  recheck(): void {
    this.#service.recheck();
  }

  async close(): Promise<void> {
    await this.#service.close();
  }
}

/** Keeps one service per credential. The next lease sees a changed credential and connects with it. */
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
      const row = await findCredential(db, appId, channel);
      if (row === undefined) return undefined;
      const key = `${appId} ${channel}`;
      const known = connected.get(key);
      if (known?.isOf(row.version)) return known;
      const service = connectSealed(channel, row.sealed);
      if (known !== undefined) {
        known.replace(service, row.version);
        return known;
      }
      const made = new Connected(service, row.version);
      connected.set(key, made);
      return made;
    },
    async close() {
      await Promise.all([...connected.values()].map((service) => service.close()));
    },
  };
}
