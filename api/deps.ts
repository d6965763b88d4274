import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';

import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import type { Clock } from '../domain/clock.ts';
import type { Mac } from '../domain/message-id.ts';
import type { Vault } from '../keys.ts';

export interface ApiConfig {
  readonly adminKey: string;
  /** Where operators see workflows; tasks link to it. */
  readonly temporalUiUrl?: string | undefined;
  /** Per key; with an SDK key, which is public, per key and address. */
  readonly requestsPerMinute: number;
  /** The proxies whose X-Forwarded-For is believed: addresses and ranges. */
  readonly trustProxy?: string[] | undefined;
  /** Where webhooks may go besides public addresses. */
  readonly webhookRanges?: readonly string[] | undefined;
}

/** All that the API needs from outside; tests replace what they like. */
export interface ApiDeps {
  readonly db: Db;
  /** For COPY, which needs a connection of its own. */
  readonly pool: Pool;
  readonly temporal: Client;
  readonly clock: Clock;
  readonly messageMac: Mac;
  readonly approvalMac: Mac;
  readonly vault: Vault;
  readonly config: ApiConfig;
  readonly log: Logger;
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Every route file exports one of these. */
export type Routes = (app: App, deps: ApiDeps) => Promise<void>;
