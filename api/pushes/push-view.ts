import { z } from 'zod';
import { readStatisticsOf, type StatisticsAnswer } from '../../db/statistics/statistics.ts';
import type { PushSummary } from '../../db/tasks/task-history.ts';
import { PUSH_STATUSES } from '../../domain/tasks/task-status.ts';
import type { ApiDeps } from '../http/deps.ts';
import { IsoDate } from '../http/schemas.ts';
import { bodyOf, StatisticsBody } from './statistics-view.ts';

export const PushBody = z
  .object({
    id: z.string(),
    taskId: z.string(),
    /** The number of the push within its task, from 1. */
    seq: z.int(),
    revision: z.int(),
    status: z.enum(PUSH_STATUSES),
    statusReason: z.string().nullable(),
    dueAt: IsoDate,
    startedAt: IsoDate.nullable(),
    windowEndsAt: IsoDate.nullable(),
    finalisedAt: IsoDate.nullable(),
    /** Whether deliveries can still be read. */
    hasDeliveries: z.boolean(),
    createdAt: IsoDate,
    statistics: StatisticsBody,
  })
  .meta({ id: 'Push' });
export type PushBody = z.infer<typeof PushBody>;

/** Renders pushes with their statistics, which one statement reads for all. */
export async function renderPushes(deps: ApiDeps, pushes: readonly PushSummary[]): Promise<PushBody[]> {
  const now = await deps.clock();
  const statistics = await readStatisticsOf(deps.db, { pushNos: pushes.map((push) => push.no), now });
  return pushes.flatMap((push) => {
    const answer = statistics.get(push.no);
    return answer === undefined ? [] : [renderPush(push, answer, now)];
  });
}

/** Deliveries are hidden from the end of the window, although their deletion comes a little later. */
export function hasDeliveries(push: PushSummary, now: Date): boolean {
  return push.deliveriesDeletedAt === null && (push.windowEndsAt === null || push.windowEndsAt > now);
}

export function renderPush(push: PushSummary, answer: StatisticsAnswer, now: Date): PushBody {
  const { id, taskId, seq, revision, status, statusReason } = push;
  const { dueAt, startedAt, windowEndsAt, finalisedAt, createdAt } = push;
  return {
    id,
    taskId,
    seq,
    revision,
    status,
    statusReason,
    dueAt,
    startedAt,
    windowEndsAt,
    finalisedAt,
    createdAt,
    hasDeliveries: hasDeliveries(push, now),
    statistics: bodyOf(answer),
  };
}
