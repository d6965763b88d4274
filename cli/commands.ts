import { parseArgs } from 'node:util';
import { z } from 'zod';

export interface CliConfig {
  readonly apiUrl: string;
  /**
   * The key of an operator or an approver. The key is not an argument, because other users of the machine can
   * see arguments.
   */
  readonly key: string;
}

export interface Outcome {
  readonly exitCode: number;
  readonly text: string;
}

export const USAGE = `signalbox stop APP --reason TEXT    starts the emergency stop: the app sends nothing from now on
signalbox resume APP                lifts the emergency stop and resumes the tasks that it paused
signalbox status APP                shows whether the emergency stop is active

APP is the app's ID. SIGNALBOX_KEY is the key of an operator or an approver of the app. SIGNALBOX_URL is the
address of the API, by default http://127.0.0.1:8080.
`;

const Stop = z.object({ at: z.string(), by: z.object({ name: z.string() }), reason: z.string() });
const App = z.object({ id: z.string(), name: z.string(), stop: Stop.nullable() });
type App = z.infer<typeof App>;
const Resumed = z.object({
  app: App,
  resumed: z.array(z.string()),
  pending: z.boolean(),
  detail: z.string().nullable(),
});
const Refusal = z.object({ detail: z.string() });

const TIMEOUT_MS = 30_000;

/** Carries out a command line through the API. */
export async function runCommand(config: CliConfig, args: readonly string[]): Promise<Outcome> {
  const asked = read(args);
  if (asked === undefined) return { exitCode: 2, text: USAGE };
  try {
    const app = await call(config, 'GET', '/v1/app', App);
    if (app.id !== asked.appId) {
      return failed(`The key belongs to ${app.id} (${app.name}), not to ${asked.appId}: nothing was done`);
    }
    return await carryOut(config, asked, app);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

type Asked =
  | { readonly action: 'stop'; readonly appId: string; readonly reason: string }
  | { readonly action: 'resume' | 'status'; readonly appId: string };

function read(args: readonly string[]): Asked | undefined {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { reason: { type: 'string' } },
    });
    const [action, appId, ...more] = positionals;
    if (appId === undefined || more.length > 0) return undefined;
    if (action === 'stop') return values.reason ? { action, appId, reason: values.reason } : undefined;
    const isKnown = action === 'resume' || action === 'status';
    return isKnown && values.reason === undefined ? { action, appId } : undefined;
  } catch {
    return undefined;
  }
}

async function carryOut(config: CliConfig, asked: Asked, app: App): Promise<Outcome> {
  if (asked.action === 'status') return done(describeStop(app));
  if (asked.action === 'stop') {
    return done(describeStop(await call(config, 'POST', '/v1/app/stop', App, { reason: asked.reason })));
  }
  const { resumed, detail } = await call(config, 'POST', '/v1/app/resume', Resumed);
  const tasks = resumed.length === 0 ? 'No task had to be resumed.' : `Resumed: ${resumed.join(', ')}`;
  return done(
    [`${app.id} (${app.name}) sends again.`, tasks, ...(detail === null ? [] : [detail])].join('\n'),
  );
}

function describeStop({ id, name, stop }: App): string {
  if (stop === null) return `${id} (${name}): no emergency stop is active.`;
  return `${id} (${name}) has been stopped since ${stop.at} by ${stop.by.name}: ${stop.reason}`;
}

async function call<T>(
  { apiUrl, key }: CliConfig,
  method: 'GET' | 'POST',
  path: string,
  schema: z.ZodType<T>,
  body?: object,
): Promise<T> {
  const response = await fetch(new URL(path, apiUrl), {
    method,
    headers: { authorization: `Bearer ${key}`, 'user-agent': 'signalbox-cli', ...(body ? JSON_TYPE : {}) },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (response.ok) return schema.parse(answer);
  const refusal = Refusal.safeParse(answer);
  throw new Error(`${method} ${path}: ${response.status} ${refusal.success ? refusal.data.detail : ''}`);
}

const JSON_TYPE = { 'content-type': 'application/json' } as const;

function done(text: string): Outcome {
  return { exitCode: 0, text: `${text}\n` };
}

function failed(text: string): Outcome {
  return { exitCode: 1, text: `${text}\n` };
}
