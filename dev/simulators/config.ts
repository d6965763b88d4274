import { z } from 'zod';
import { LOOPBACK } from './listen.ts';

const Share = z.number().min(0).max(1);
const Tokens = z.array(z.string());

/** An answer other than success. `body` is sent as it is, in place of the service's own that names `reason`. */
const Answer = z.strictObject({
  status: z.number().int().min(300).max(599),
  reason: z.string().default(''),
  body: z.string().optional(),
});

export type SwitchedAnswer = z.infer<typeof Answer>;

/** The behaviour of one simulated push service, which can change while the service runs. */
export const Switches = z.strictObject({
  /** The shares of tokens, chosen by their hash, that are answered as unregistered or as malformed. */
  shareUnregistered: Share.default(0),
  shareBadToken: Share.default(0),
  /** Tokens that are always answered so. */
  unregisteredTokens: Tokens.default([]),
  badTokens: Tokens.default([]),
  /** Tokens of another app: DeviceTokenNotForTopic, SENDER_ID_MISMATCH. */
  foreignTokens: Tokens.default([]),
  /** The shares of requests, chosen at random, that are answered 429 or 503. */
  shareThrottled: Share.default(0),
  shareUnavailable: Share.default(0),
  /** The Retry-After of 429 and 503; null leaves it out. */
  retryAfterSeconds: z.number().int().min(0).nullable().default(1),
  delayMs: z.object({ min: z.number().min(0), max: z.number().min(0) }).default({ min: 0, max: 0 }),
  maxConcurrentStreams: z.number().int().min(0).max(10_000).default(100),
  /** The number of streams of a connection before a GOAWAY; later streams are not processed. 0 is off. */
  goawayEveryStreams: z.number().int().min(0).default(0),
  /** The share of requests that are processed and then reset instead of answered. */
  resetAfterProcessingShare: Share.default(0),
  /** The share of requests that are refused with REFUSED_STREAM, unprocessed. */
  refuseStreamsShare: Share.default(0),
  /** Takes requests and never answers or processes them. */
  blackhole: z.boolean().default(false),
  credentialRevoked: z.boolean().default(false),
  /** The answer to every request that is otherwise valid. */
  answerWith: Answer.nullable().default(null),
  /** The answers to valid requests by their tokens. Other tokens get `answerWith`. */
  answersTo: z.record(z.string(), Answer).default({}),
});

export type Switches = z.infer<typeof Switches>;

/** The answer that the switches give to a valid request. */
export function switchedAnswer(switches: Switches, token: string): SwitchedAnswer | undefined {
  return switches.answersTo[token] ?? switches.answerWith ?? undefined;
}

/** A change of switches. A switch without a value here stays unchanged. */
export interface SwitchChange {
  readonly apns?: z.input<typeof Switches>;
  readonly fcm?: z.input<typeof Switches>;
}

/** Parsing fills the defaults in, so only the members that were given are taken over. */
export function changeSwitches(switches: Switches, change: unknown): void {
  const parsed = Switches.parse(change);
  const given = Object.keys(change ?? {});
  Object.assign(
    switches,
    Object.fromEntries(Object.entries(parsed).filter(([name]) => given.includes(name))),
  );
}

export const SimulatorConfig = z.strictObject({
  apns: z
    .strictObject({
      keys: z.array(
        z.strictObject({
          teamId: z.string(),
          keyId: z.string(),
          publicKey: z.string(),
          topics: z.array(z.string()),
        }),
      ),
      /** Streams that a connection may have before its first authenticated request. */
      initialStreams: z.number().int().min(1).default(1),
      switches: Switches.prefault({}),
    })
    .prefault({ keys: [] }),
  fcm: z
    .strictObject({
      accounts: z.array(
        z.strictObject({ projectId: z.string(), clientEmail: z.string(), publicKey: z.string() }),
      ),
      accessTokenSeconds: z.number().int().min(1).default(3599),
      switches: Switches.prefault({}),
    })
    .prefault({ accounts: [] }),
  /** The name by which other machines or containers reach the simulators, which then listen on all addresses. */
  host: z.string().default(LOOPBACK),
  /** The directory of the log and the CA. By default a temporary one, removed at the end. */
  directory: z.string().optional(),
  ports: z
    .strictObject({
      apns: z.number().int().default(0),
      fcm: z.number().int().default(0),
      fcmToken: z.number().int().default(0),
      control: z.number().int().default(0),
    })
    .prefault({}),
});

export type SimulatorConfig = z.infer<typeof SimulatorConfig>;
export type SimulatorConfigInput = z.input<typeof SimulatorConfig>;
