import { z } from 'zod';
import type { SampleApp } from '../../dev/stack/sample-app.ts';

export const CONTENT = {
  title: 'The autumn sale has begun',
  body: 'Everything you put on your list is 20 % off until Sunday. First come, first served.',
  deepLink: 'https://shop.example.com/sale?from=push',
} as const;

const RATE_LIMITED = 429;
const Id = z.object({ id: z.string() });
const ActionAnswer = z.object({
  status: z.string(),
  pending: z.boolean(),
  pushes: z.array(z.object({ id: z.string(), status: z.string(), inFlight: z.number() })),
});
export type ActionAnswer = z.infer<typeof ActionAnswer>;

/** The actions of a marketer and an approver, through the real API. */
export interface Desk {
  /** Creates an audience of all devices of the app. */
  createAudience(): Promise<string>;
  /** Creates and submits a task, which then lacks only its approval. `more` replaces fields of the draft. */
  submitTask(audienceId: string, pushAt?: Date, more?: object): Promise<string>;
  approve(taskId: string): Promise<ActionAnswer>;
  pause(taskId: string): Promise<ActionAnswer>;
  resume(taskId: string): Promise<ActionAnswer>;
}

export function openDesk(apiUrl: string, app: SampleApp): Desk {
  async function post<T>(path: string, body: unknown, key: string, schema: z.ZodType<T>): Promise<T> {
    for (;;) {
      const response = await fetch(`${apiUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (response.ok) return schema.parse(await response.json());
      const text = await response.text();
      if (response.status !== RATE_LIMITED) throw new Error(`POST ${path}: ${response.status} ${text}`);
      const seconds = Number(response.headers.get('retry-after') ?? 1);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }

  const { marketer, approver } = app.keys;
  const postAction = (taskId: string, name: string, key: string, body: unknown = {}) =>
    post(`/v1/tasks/${taskId}/${name}`, body, key, ActionAnswer);

  return {
    async createAudience() {
      return (await post('/v1/audiences', { name: 'everybody', kind: 'all' }, marketer, Id)).id;
    },
    async submitTask(audienceId, pushAt, more) {
      const task = {
        name: 'Benchmark',
        pushType: 'single',
        audience: { id: audienceId },
        content: CONTENT,
        ...(pushAt === undefined ? {} : { pushAt: pushAt.toISOString() }),
        ...more,
      };
      const { id } = await post('/v1/tasks', task, marketer, Id);
      await postAction(id, 'submit', marketer);
      return id;
    },
    approve: (taskId) => postAction(taskId, 'approve', approver, { revision: 1 }),
    pause: (taskId) => postAction(taskId, 'pause', marketer),
    resume: (taskId) => postAction(taskId, 'resume', marketer),
  };
}
