import { type RawBuilder, sql } from 'kysely';
import { PUSH_TYPES, TASK_STATUSES } from '../../domain/tasks/task-status.ts';

interface SortKey {
  /** Must never be null, so that each row has one position in the order. */
  readonly value: RawBuilder<unknown>;
  /** Type for reading a position back from its text. */
  readonly type: 'text' | 'timestamptz' | 'int' | 'bigint' | 'float8';
}

const inOrder = (column: RawBuilder<unknown>, values: readonly string[]): SortKey => {
  const order = sql.join(values.map((value) => sql.lit(value)));
  return { value: sql`coalesce(array_position(array[${order}]::text[], ${column}), 0)`, type: 'int' };
};
const text = (value: RawBuilder<unknown>): SortKey => ({ value, type: 'text' });
const total = (column: 'planned' | 'deliveries' | 'impressions' | 'opens' | 'dismissals'): SortKey => ({
  value: sql`coalesce(totals.${sql.ref(column)}, 0)`,
  type: 'bigint',
});
const rate = (column: 'impressions' | 'opens' | 'dismissals'): SortKey => ({
  value: sql`coalesce(totals.${sql.ref(column)}::float8 / nullif(totals.deliveries, 0), 0)`,
  type: 'float8',
});

/**
 * The columns that the list can be sorted by. Names are sorted by characters, statuses by their order in the
 * life of a task.
 */
export const SORT_KEYS = {
  createdAt: { value: sql`tasks.created_at`, type: 'timestamptz' },
  pushAt: { value: sql`coalesce(tasks.push_at, '-infinity')`, type: 'timestamptz' },
  id: text(sql`tasks.id`),
  name: text(sql`tasks.name_folded`),
  status: inOrder(sql`tasks.status`, TASK_STATUSES),
  pushType: inOrder(sql`tasks.push_type`, PUSH_TYPES),
  channel: text(sql`tasks.channel`),
  subgroup: text(
    sql`coalesce((select fold_name(folder.name) from subgroups folder where folder.id = tasks.subgroup_id), '')`,
  ),
  subCampaigns: {
    value: sql`(select count(*)::int from task_sub_campaigns link where link.task_id = tasks.id)`,
    type: 'int',
  },
  creator: text(sql`fold_name(people.name)`),
  planned: total('planned'),
  deliveries: total('deliveries'),
  impressions: total('impressions'),
  impressionRate: rate('impressions'),
  opens: total('opens'),
  openRate: rate('opens'),
  dismissals: total('dismissals'),
  dismissalRate: rate('dismissals'),
} as const satisfies Record<string, SortKey>;

export type TaskSort = keyof typeof SORT_KEYS;
export const TASK_SORTS = Object.keys(SORT_KEYS) as [TaskSort, ...TaskSort[]];

/** Whether the order depends on figures that are updated on request only. */
export function sortsByTotals(sort: TaskSort): boolean {
  return TOTALS.has(sort);
}
const TOTALS: ReadonlySet<TaskSort> = new Set([
  'planned',
  'deliveries',
  'impressions',
  'impressionRate',
  'opens',
  'openRate',
  'dismissals',
  'dismissalRate',
]);
