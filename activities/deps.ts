import type { Logger } from 'pino';
import type { Db } from '../db/core/database.ts';
import type { Clock } from '../domain/clock.ts';
import type { Mac } from '../domain/receipts/message-id.ts';
import type { FindTarget } from '../domain/webhooks/webhook-target.ts';
import type { PushServices } from './push-services.ts';

export interface ActivityDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Logger;
  readonly approvalMac: Mac;
  readonly receiptWindowMs: number;
}

export interface SenderDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Logger;
  readonly messageMac: Mac;
  /** The identity of this process in Temporal. */
  readonly identity: string;
  readonly services: PushServices;
}

export interface DelivererDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Logger;
  readonly findTarget: FindTarget;
  /** Decrypts the secret of an endpoint. */
  open(sealed: Buffer): string;
}
