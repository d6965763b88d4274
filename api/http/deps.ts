import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';

import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Db } from '../../db/core/database.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Mac } from '../../domain/receipts/message-id.ts';
import type { Vault } from '../../security/vault.ts';

export interface ApiConfig {
  readonly adminKey: string;
  /** The address of Temporal's UI, which tasks link to. */
  readonly temporalUiUrl?: string | undefined;
  /** The limit per key. SDK keys are public and have the limit per key and address. */
  readonly requestsPerMinute: number;
  /** Addresses and ranges of the proxies whose X-Forwarded-For is trusted. */
  readonly trustProxy?: string[] | undefined;
  /** Address ranges that webhooks may reach besides public addresses. */
  readonly webhookRanges?: readonly string[] | undefined;
}

/** The dependencies of the API; tests replace some of them. */
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

/** The export of a route file. */
export type Routes = (app: App, deps: ApiDeps) => Promise<void>;
