import type { Action } from '../../domain/tasks/task-status.ts';

/**
 * The promised actions of each status. This second copy makes a change of the code's own table visible. A
 * status has two rows where the push type or a push under way makes a difference.
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
  collecting: ['copy', 'delete'],
  completed: ['copy', 'delete'],
  cancelled: ['copy', 'delete'],
  expired: ['copy', 'delete'],
  failed: ['copy', 'delete'],
  deleted: ['copy'],
} as const satisfies Record<string, readonly Action[]>;

export type Row = keyof typeof STATUS_TABLE;
export const ROWS = Object.keys(STATUS_TABLE) as Row[];

/** Rows whose task has a workflow. Tasks of other rows receive no signal. */
export const HEARING: readonly Row[] = [
  ...(['pending_approval', 'scheduled', 'scheduled_manual', 'sending', 'sending_manual'] as const),
  ...(['paused_before_push', 'paused_in_push', 'collecting'] as const),
];

/** The names of the signals. An action that is not listed has no signal. */
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
