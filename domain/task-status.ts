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

export const VERBS = [
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
export type Verb = (typeof VERBS)[number];

/** `paused` allows more while nothing of the task has been sent. */
type Situation = Exclude<TaskStatus, 'paused'> | 'paused_before_push' | 'paused_in_push';

const ENDED: readonly Verb[] = ['copy', 'delete'];

/** What each status allows. The API's 409s, the workflow's validators and the console's buttons all read this. */
const ALLOWED: Readonly<Record<Situation, readonly Verb[]>> = {
  draft: ['edit', 'submit', 'copy', 'delete'],
  rejected: ['edit', 'submit', 'copy', 'delete'],
  pending_approval: ['approve', 'reject', 'withdraw', 'copy'],
  scheduled: ['edit', 'pause', 'cancel', 'send', 'set_rate', 'copy', 'delete'],
  sending: ['pause', 'cancel', 'set_rate', 'copy', 'send'],
  paused_before_push: ['resume', 'cancel', 'edit', 'set_rate', 'copy'],
  paused_in_push: ['resume', 'cancel', 'set_rate', 'copy'],
  collecting: ['copy'],
  completed: ENDED,
  cancelled: ENDED,
  expired: ENDED,
  failed: ENDED,
};

/** What decides which verbs a task allows now. */
export interface Standing {
  readonly status: TaskStatus;
  readonly pushType: PushType;
  /** Whether a push of the task is preparing, sending or paused. */
  readonly inPush: boolean;
}

export function allowedVerbs(task: Standing): readonly Verb[] {
  const verbs = ALLOWED[situationOf(task)];
  return task.pushType === 'manual' ? verbs : verbs.filter((verb) => verb !== 'send');
}

/** Why the verb is not allowed now, or undefined when it is. */
export function refusalOf(verb: Verb, task: Standing): string | undefined {
  if (allowedVerbs(task).includes(verb)) return undefined;
  if (verb === 'send' && task.pushType !== 'manual') return 'only a manual task is sent by hand';
  const where = TASK_STATUSES.filter((status) =>
    allowedVerbs({ ...task, status, inPush: false }).includes(verb),
  );
  return `${verb} is not allowed while the task is ${task.status}; it is allowed in: ${where.join(', ')}`;
}

const OVER: readonly TaskStatus[] = ['completed', 'cancelled', 'expired', 'failed'];

/** Whether nothing of the task starts any more. */
export function isOver(status: TaskStatus): boolean {
  return OVER.includes(status);
}

const TERMINAL: readonly TaskStatus[] = [...OVER, 'rejected', 'draft'];

/** Whether no workflow runs (any more) for a task of this status. */
export function isAtRest(status: TaskStatus): boolean {
  return TERMINAL.includes(status);
}

function situationOf(task: Standing): Situation {
  if (task.status !== 'paused') return task.status;
  return task.inPush ? 'paused_in_push' : 'paused_before_push';
}

/** Pushes that are prepared, sent or paused: a fence stops them. */
export const PUSHES_UNDER_WAY: readonly PushStatus[] = ['preparing', 'sending', 'paused'];

/** Pushes that users of a trigger may still join. */
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
