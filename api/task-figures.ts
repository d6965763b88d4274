import { z } from 'zod';
import type { Statistics } from '../domain/metrics.ts';

const Count = z.int();
const Rate = z.number().nullable();

/** What the list shows of a task's results. Null where no device of its platforms reports. */
export const TaskFigures = z
  .object({
    planned: Count,
    sent: Count,
    deliveries: Count,
    impressions: Count.nullable(),
    impressionRate: Rate,
    opens: Count.nullable(),
    openRate: Rate,
    dismissals: Count.nullable(),
    dismissalRate: Rate,
  })
  .meta({ id: 'TaskFigures' });

export function rowFiguresOf(statistics: Statistics): z.infer<typeof TaskFigures> {
  const { planned, sent, deliveries, impressions, impressionRate } = statistics;
  const { opens, openRate, dismissals, dismissalRate } = statistics;
  return {
    ...{ planned, sent, deliveries, impressions, impressionRate },
    ...{ opens, openRate, dismissals, dismissalRate },
  };
}
