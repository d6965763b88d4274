import type { Action } from '../../domain/tasks/task-status.ts';

/**
 * What each status allows, as the product promises it: written down here once more, so that a change of the code's own
 * table is noticed. Two rows for one status where the push type or a push under way makes a difference.
 */
export const STATUS_TABLE = {
  draft: ['edit', 'submit', 'copy', 'delete'],
  rejected: ['edit', 'submit', 'copy', 'delete'],
  pending_approval: ['approve', 'reject', 'withdraw', 'copy'],
  scheduled: ['edit', 'pause', 'cancel', 'set_rate', 'copy', 'delete'],
  scheduled_manual: ['edit', 'pause', 'cancel', 'send', 'set_rate', 'copy', 'delete'],
  sending: ['pause', 'cancel', 'set_rate', 'copy'],
  sending_manual: ['pause', 'cancel', 'send', 'set_rate', 'copy'],
  paused_before_push: ['resume', 'cancel', 'edit', 'set_rate', 'copy'],
  paused_in_push: ['resume', 'cancel', 'set_rate', 'copy'],
  collecting: ['copy'],
  completed: ['copy', 'delete'],
  cancelled: ['copy', 'delete'],
  expired: ['copy', 'delete'],
  failed: ['copy', 'delete'],
  deleted: ['copy'],
} as const satisfies Record<string, readonly Action[]>;

export type Row = keyof typeof STATUS_TABLE;
export const ROWS = Object.keys(STATUS_TABLE) as Row[];

/** Rows whose task has a workflow: the others hear no signal. */
export const HEARING: readonly Row[] = [
  ...(['pending_approval', 'scheduled', 'scheduled_manual', 'sending', 'sending_manual'] as const),
  ...(['paused_before_push', 'paused_in_push', 'collecting'] as const),
];

/** The signals' names; what is not here has none. */
export const SIGNAL_OF = {
  edit: 'revise',
  approve: 'approve',
  reject: 'reject',
  withdraw: 'withdraw',
  send: 'send',
  pause: 'pause',
  resume: 'resume',
  cancel: 'cancel',
  set_rate: 'setRate',
  delete: 'delete',
} as const satisfies Partial<Record<Action, string>>;
