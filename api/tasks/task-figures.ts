import { z } from 'zod';
import type { Figures } from '../../domain/pushes/metrics.ts';

const Count = z.int();
const Rate = z.number().nullable();

/** The results of a task in the list. A figure is null when no device of the task's platforms reports. */
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

export function rowFiguresOf(figures: Figures): z.infer<typeof TaskFigures> {
  const { planned, sent, deliveries, impressions, impressionRate } = figures;
  const { opens, openRate, dismissals, dismissalRate } = figures;
  return {
    planned,
    sent,
    deliveries,
    impressions,
    impressionRate,
    opens,
    openRate,
    dismissals,
    dismissalRate,
  };
}
