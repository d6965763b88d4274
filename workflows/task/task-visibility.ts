import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { CommandName } from '../../domain/tasks/commands.ts';
import { nextWake } from '../../domain/tasks/push-events.ts';
import { type ActivePush, isInPush } from '../../domain/tasks/task-state.ts';
import { type Action, allowedActions } from '../../domain/tasks/task-status.ts';
import { SEARCH_KEYS } from '../../domain/workflows/search-attributes.ts';
import type { TaskWorkflowState } from './task-workflow-state.ts';

/** Operators see search attributes, and details with the commands that apply now. */
export function updateVisibility(workflow: TaskWorkflowState): void {
  setCurrentDetails(details(workflow));
  if (workflow.shownStatus === workflow.state.status) return;
  workflow.shownStatus = workflow.state.status;
  const at = workflow.state.plan.pushAt;
  upsertSearchAttributes([
    { key: SEARCH_KEYS.taskStatus, value: workflow.state.status },
    { key: SEARCH_KEYS.pushAt, value: at === null ? null : new Date(at) },
  ]);
}

/** The search attributes that a push inherits from its task. */
export function attributesOfPush({ input, state }: TaskWorkflowState) {
  return [
    { key: SEARCH_KEYS.appId, value: input.appId },
    { key: SEARCH_KEYS.pushType, value: state.plan.pushType },
    { key: SEARCH_KEYS.channel, value: state.plan.channel },
  ];
}

const BY = '{"by":"person-…"}';

/** The signal and its payload for each action that operators may take through the CLI. */
const SIGNALS: Readonly<Partial<Record<Action, readonly [name: CommandName, input: string]>>> = {
  approve: ['approve', '{"approver":"person-…","revision":REVISION,"code":"…"}'],
  reject: ['reject', '{"approver":"person-…","revision":REVISION,"code":"…","reason":"…"}'],
  withdraw: ['withdraw', BY],
  send: ['send', BY],
  pause: ['pause', BY],
  resume: ['resume', BY],
  cancel: ['cancel', BY],
  delete: ['delete', BY],
  set_rate: ['setRate', '{"by":"person-…","ratePerSecond":1000}'],
};

/** A push does not report that it begins to send, so that its last report may say `preparing`. */
function isRunning({ status }: ActivePush): boolean {
  return status === 'preparing' || status === 'sending';
}

function details({ input, state, ignored }: TaskWorkflowState): string {
  const { status, reason, plan, approvals, pushes } = state;
  const wake = nextWake(state);
  const actions = allowedActions({ status, pushType: plan.pushType, inPush: isInPush(state) });
  const last = ignored.at(-1);
  return [
    `**${status}**${reason === null ? '' : ` (${reason})`}`,
    `- revision ${plan.revision}, approvals ${approvals.length} of ${plan.approvalsRequired}`,
    `- next wake-up: ${wake === undefined ? 'with the next message' : new Date(wake).toISOString()}`,
    ...pushes.map(
      (push) => `- push \`${push.id}\`: ${isRunning(push) ? 'under way, see its own workflow' : push.status}`,
    ),
    ...(last === undefined ? [] : [`- last message ignored: ${last.name}, because ${last.reason}`]),
    '',
    'Commands that apply now:',
    '```',
    ...actions.flatMap((action) => {
      const signal = SIGNALS[action];
      if (signal === undefined) return [];
      const payload = signal[1].replace('REVISION', String(plan.revision));
      return [
        `temporal workflow signal --workflow-id ${input.taskId} --name ${signal[0]} --input '${payload}'`,
      ];
    }),
    '```',
  ].join('\n');
}
