export const TASK_STATUSES = [
  'draft',
  'pending_approval',
  'rejected',
  'scheduled',
  'sending',
  'paused',
  'collecting',
  'completed',
  'cancelled',
  'expired',
  'failed',
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const PUSH_STATUSES = [
  'preparing',
  'sending',
  'paused',
  'collecting',
  'completed',
  'cancelled',
  'skipped',
  'failed',
] as const;
export type PushStatus = (typeof PUSH_STATUSES)[number];

export const PUSH_TYPES = ['single', 'manual', 'recurring', 'trigger'] as const;
export type PushType = (typeof PUSH_TYPES)[number];

/** The actions that a person may take on a task. A command of `commands.ts` is the message of an action. */
export const ACTIONS = [
  'edit',
  'submit',
  'approve',
  'reject',
  'withdraw',
  'send',
  'pause',
  'resume',
  'cancel',
  'set_rate',
  'copy',
  'delete',
] as const;
export type Action = (typeof ACTIONS)[number];

/** `paused` allows more while nothing of the task has been sent. */
type StatusKey = Exclude<TaskStatus, 'paused'> | 'paused_before_push' | 'paused_in_push';

const ENDED: readonly Action[] = ['copy', 'delete'];

/** The API's 409s, the workflow's validators and the console's buttons all read this table. */
const ALLOWED: Readonly<Record<StatusKey, readonly Action[]>> = {
  draft: ['edit', 'submit', 'copy', 'delete'],
  rejected: ['edit', 'submit', 'copy', 'delete'],
  pending_approval: ['approve', 'reject', 'withdraw', 'copy'],
  scheduled: ['edit', 'pause', 'cancel', 'send', 'set_rate', 'copy', 'delete'],
  sending: ['pause', 'cancel', 'set_rate', 'copy', 'send'],
  paused_before_push: ['resume', 'cancel', 'edit', 'set_rate', 'copy'],
  paused_in_push: ['resume', 'cancel', 'set_rate', 'copy'],
  collecting: ENDED,
  completed: ENDED,
  cancelled: ENDED,
  expired: ENDED,
  failed: ENDED,
};

/** The facts that decide which actions a task allows now. */
export interface TaskContext {
  readonly status: TaskStatus;
  readonly pushType: PushType;
  /** Whether a push of the task is preparing, sending or paused. */
  readonly inPush: boolean;
}

export function allowedActions(task: TaskContext): readonly Action[] {
  const actions = ALLOWED[statusKey(task)];
  return task.pushType === 'manual' ? actions : actions.filter((action) => action !== 'send');
}

/** Why the action is not allowed now, or undefined when it is. */
export function refusalOf(action: Action, task: TaskContext): string | undefined {
  if (allowedActions(task).includes(action)) return undefined;
  if (action === 'send' && task.pushType !== 'manual') return 'send is only allowed for manual tasks';
  const where = TASK_STATUSES.filter((status) =>
    allowedActions({ ...task, status, inPush: false }).includes(action),
  );
  return `${action} is not allowed while the task is ${task.status}; allowed statuses: ${where.join(', ')}`;
}

const OVER: readonly TaskStatus[] = ['completed', 'cancelled', 'expired', 'failed'];

/** True when no push of the task can start any more. */
export function isOver(status: TaskStatus): boolean {
  return OVER.includes(status);
}

const TERMINAL: readonly TaskStatus[] = [...OVER, 'rejected', 'draft'];

/** True when a task of this status has no workflow. */
export function isAtRest(status: TaskStatus): boolean {
  return TERMINAL.includes(status);
}

function statusKey(task: TaskContext): StatusKey {
  if (task.status !== 'paused') return task.status;
  return task.inPush ? 'paused_in_push' : 'paused_before_push';
}

/** Pushes that are preparing, sending or paused. A fence stops them. */
export const PUSHES_UNDER_WAY: readonly PushStatus[] = ['preparing', 'sending', 'paused'];

/** Pushes of trigger tasks that more users may still join. */
export const PUSHES_JOINABLE: readonly PushStatus[] = ['preparing', 'sending'];

/** Pushes that send no more. */
export const PUSHES_DONE_SENDING: readonly PushStatus[] = [
  'collecting',
  'completed',
  'cancelled',
  'failed',
  'skipped',
];

/** Tasks whose workflow runs and may still send. */
export const TASKS_ABOUT_TO_SEND: readonly TaskStatus[] = [
  'pending_approval',
  'scheduled',
  'sending',
  'paused',
];

/** Tasks that have a workflow. */
export const TASKS_WITH_WORKFLOW: readonly TaskStatus[] = [...TASKS_ABOUT_TO_SEND, 'collecting'];

/** Tasks that send no more. */
export const TASKS_DONE_SENDING: readonly TaskStatus[] = ['collecting', ...OVER];
