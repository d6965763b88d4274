import { readFileSync } from 'node:fs';
import { z } from 'zod';

const Url = z.url();
const Port = z.coerce.number().int().min(0).max(65_535);
const Seconds = z.coerce.number().int().positive();

/**
 * Addresses and ranges, not a number of proxies. With a number, a client that reaches the API past the
 * proxies could claim any address.
 */
const Proxies = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(
    z.array(
      z.union(
        [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6(), z.enum(['loopback', 'linklocal', 'uniquelocal'])],
        'must be IP addresses, CIDR ranges, loopback, linklocal or uniquelocal, separated by commas',
      ),
    ),
  );

const Ranges = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(
    z.array(
      z.union(
        [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
        'must be IP addresses or CIDR ranges, separated by commas',
      ),
    ),
  );

const Env = z.object({
  DATABASE_URL: Url,
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(12),
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: Port.default(8080),
  /** Per key; with an SDK key, which is public, per key and address. */
  REQUESTS_PER_MINUTE: z.coerce.number().int().positive().default(6_000),
  /** The proxies whose X-Forwarded-For is believed: addresses and ranges, separated by commas. */
  TRUST_PROXY: Proxies.optional(),
  /** Where people see Temporal's web UI; tasks link to it. */
  TEMPORAL_UI_URL: Url.optional(),
  /** Encrypts provider credentials at rest. 32 bytes, base64. */
  CREDENTIALS_KEY: z
    .base64()
    .refine((key) => Buffer.from(key, 'base64').length === 32, 'must be 32 bytes in base64'),
  /** Authenticates message IDs and approval codes. At least 32 bytes, base64. */
  SIGNING_KEY: z
    .base64()
    .refine((key) => Buffer.from(key, 'base64').length >= 32, 'must be 32 bytes or more in base64'),
  /** Grows by one with every change of SIGNING_KEY. */
  SIGNING_KEY_VERSION: z.coerce.number().int().min(1).max(255).default(1),
  /** The previous SIGNING_KEY. Receipts of message IDs that it signed still count. */
  SIGNING_KEY_PREVIOUS: z
    .base64()
    .refine((key) => Buffer.from(key, 'base64').length >= 32, 'must be 32 bytes or more in base64')
    .optional(),
  /** Creates apps and their first keys. */
  ADMIN_KEY: z.string().min(32),
  APNS_URL: Url.default('https://api.push.apple.com'),
  FCM_URL: Url.default('https://fcm.googleapis.com'),
  FCM_TOKEN_URL: Url.default('https://oauth2.googleapis.com/token'),
  /** A PEM file to trust for the push services instead of the system's authorities. */
  PUSH_CA_FILE: z.string().optional(),
  /** The HTTP/2 client for push services: the product's own, or that of Node. */
  PUSH_HTTP2: z.enum(['own', 'node']).default('own'),
  /** Addresses and ranges that webhooks may go to besides public ones, separated by commas. */
  WEBHOOK_PRIVATE_RANGES: Ranges.optional(),
  RECEIPT_WINDOW_SECONDS: Seconds.default(72 * 3600),
  WORKER_ROLE: z.enum(['workflow', 'sender', 'both']).default('both'),
  /** A file made by `npm run bundle`; without it the worker bundles the workflows when it starts. */
  WORKFLOW_BUNDLE: z.string().optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export type Config = Readonly<ReturnType<typeof toConfig>>;

function toConfig(env: z.infer<typeof Env>) {
  const ca = env.PUSH_CA_FILE === undefined ? {} : { ca: readFileSync(env.PUSH_CA_FILE, 'utf8') };
  return Object.freeze({
    databaseUrl: env.DATABASE_URL,
    databasePoolSize: env.DATABASE_POOL_SIZE,
    temporal: { address: env.TEMPORAL_ADDRESS, namespace: env.TEMPORAL_NAMESPACE },
    temporalUiUrl: env.TEMPORAL_UI_URL,
    api: {
      host: env.API_HOST,
      port: env.API_PORT,
      requestsPerMinute: env.REQUESTS_PER_MINUTE,
      trustProxy: env.TRUST_PROXY,
    },
    credentialsKey: Buffer.from(env.CREDENTIALS_KEY, 'base64'),
    signingKey: Buffer.from(env.SIGNING_KEY, 'base64'),
    messageKeys: {
      current: Buffer.from(env.SIGNING_KEY, 'base64'),
      version: env.SIGNING_KEY_VERSION,
      previous:
        env.SIGNING_KEY_PREVIOUS === undefined ? undefined : Buffer.from(env.SIGNING_KEY_PREVIOUS, 'base64'),
    },
    adminKey: env.ADMIN_KEY,
    endpoints: {
      apns: { url: new URL(env.APNS_URL), ...ca },
      fcm: { url: new URL(env.FCM_URL), ...ca },
      fcmToken: { url: new URL(env.FCM_TOKEN_URL), ...ca },
    },
    http2: env.PUSH_HTTP2,
    webhookRanges: env.WEBHOOK_PRIVATE_RANGES ?? [],
    receiptWindowMs: env.RECEIPT_WINDOW_SECONDS * 1000,
    workerRole: env.WORKER_ROLE,
    workflowBundle: env.WORKFLOW_BUNDLE,
    logLevel: env.LOG_LEVEL,
  });
}

const isSet = ([, value]: readonly [string, string | undefined]) =>
  value !== undefined && value.trim() !== '';
const sayMissing: z.core.$ZodErrorMap = ({ input }) => (input === undefined ? 'is required' : undefined);

/** An empty variable counts as one that is not set: `TRUST_PROXY=` in an .env file says nothing. */
function parse<T>(schema: z.ZodType<T>, env: NodeJS.ProcessEnv): T {
  const set = Object.fromEntries(Object.entries(env).filter(isSet));
  const parsed = schema.safeParse(set, { error: sayMissing });
  if (parsed.success) return parsed.data;
  throw new Error(
    `The configuration is not valid. Correct these environment variables:\n${z.prettifyError(parsed.error)}`,
  );
}

/** Reads the configuration once; throws an error that lists every fault. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  return toConfig(parse(Env, env));
}

/** The migration needs the database alone, so its container is given no other secret. */
export function readMigrationConfig(env: NodeJS.ProcessEnv = process.env) {
  return { databaseUrl: parse(Env.pick({ DATABASE_URL: true }), env).DATABASE_URL };
}

const CliEnv = z.object({
  SIGNALBOX_URL: Url.default('http://127.0.0.1:8080'),
  SIGNALBOX_KEY: z.string().min(1),
});

/** The environment of the command line, which is a caller of the API like any other. */
export function readCliConfig(env: NodeJS.ProcessEnv = process.env) {
  const { SIGNALBOX_URL, SIGNALBOX_KEY } = parse(CliEnv, env);
  return { apiUrl: SIGNALBOX_URL, key: SIGNALBOX_KEY };
}
