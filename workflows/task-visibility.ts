import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { nextWake } from '../domain/push-events.ts';
import { type ActivePush, isInPush } from '../domain/task-state.ts';
import { allowedVerbs, type Verb } from '../domain/task-status.ts';
import type { TaskRun } from './task-run.ts';

const KEYWORD = SearchAttributeType.KEYWORD;
const taskStatus = defineSearchAttributeKey('TaskStatus', KEYWORD);
const appIdKey = defineSearchAttributeKey('AppId', KEYWORD);
const pushType = defineSearchAttributeKey('PushType', KEYWORD);
const channelKey = defineSearchAttributeKey('Channel', KEYWORD);
const pushAt = defineSearchAttributeKey('PushAt', SearchAttributeType.DATETIME);

/** Shows what the task is doing: attributes to search by, and details with the commands that apply now. */
export function show(run: TaskRun): void {
  setCurrentDetails(details(run));
  if (run.shownStatus === run.state.status) return;
  run.shownStatus = run.state.status;
  const at = run.state.plan.pushAt;
  upsertSearchAttributes([
    { key: taskStatus, value: run.state.status },
    { key: pushAt, value: at === null ? null : new Date(at) },
  ]);
}

export function attributesOf({ input, state }: TaskRun) {
  return [
    { key: appIdKey, value: input.appId },
    { key: pushType, value: state.plan.pushType },
    { key: channelKey, value: state.plan.channel },
  ];
}

const BY = '{"by":"person-…"}';

/** The signal and its payload for each verb that operators give through the CLI. */
const SIGNALS: Readonly<Partial<Record<Verb, readonly [name: string, input: string]>>> = {
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

/** When it begins to send it tells nobody. */
function isRunning({ status }: ActivePush): boolean {
  return status === 'preparing' || status === 'sending';
}

function details({ input, state, ignored }: TaskRun): string {
  const { status, reason, plan, approvals, pushes } = state;
  const wake = nextWake(state);
  const verbs = allowedVerbs({ status, pushType: plan.pushType, inPush: isInPush(state) });
  const last = ignored.at(-1);
  return [
    `**${status}**${reason === null ? '' : ` (${reason})`}`,
    `- revision ${plan.revision}, approvals ${approvals.length} of ${plan.approvalsRequired}`,
    `- next wake-up: ${wake === undefined ? 'when somebody says something' : new Date(wake).toISOString()}`,
    ...pushes.map(
      (push) =>
        `- push \`${push.id}\`: ${isRunning(push) ? 'under way; its own page says more' : push.status}`,
    ),
    ...(last === undefined ? [] : [`- last message ignored: ${last.name}, because ${last.reason}`]),
    '',
    'What can be said now:',
    '```',
    ...verbs.flatMap((verb) => {
      const signal = SIGNALS[verb];
      if (signal === undefined) return [];
      const payload = signal[1].replace('REVISION', String(plan.revision));
      return [
        `temporal workflow signal --workflow-id ${input.taskId} --name ${signal[0]} --input '${payload}'`,
      ];
    }),
    '```',
  ].join('\n');
}
