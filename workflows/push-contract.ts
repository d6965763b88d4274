import type { LatePolicy } from '../domain/late-policy.ts';
import type { Run } from '../domain/recurrence.ts';
import type { Edition } from './contract.ts';

/** Task to push: what to do from now on. Numbered, so that a push can say which one it obeyed. */
export const INSTRUCT_SIGNAL = 'instruct';
/** Push to task. */
export const REPORT_SIGNAL = 'pushReport';

/** To a push: more users have joined it. */
export const JOINED_SIGNAL = 'joined';
/** To a task: a push of it is due. */
export const RUN_SIGNAL = 'run';

export interface RunDue extends Run {
  readonly revision: number;
}

export interface Instruction {
  readonly no: number;
  readonly wanted: 'run' | 'pause' | 'cancel';
}

/** Up to which instruction a push obeys without saying so. */
export function obeyedAtStart({ instruction, edition }: PushInput): number {
  return edition === 2 && instruction.wanted === 'run' ? instruction.no : 0;
}

export interface PushInput {
  readonly pushId: string;
  readonly taskId: string;
  readonly appId: string;
  readonly seq: number;
  readonly revision: number;
  /** Epoch milliseconds. */
  readonly dueAt: number;
  readonly latePolicy: LatePolicy;
  readonly isLocal?: true;
  /** Of a trigger task, in epoch milliseconds: until then users may join. */
  readonly closesAt?: number;
  readonly instruction: Instruction;
  readonly edition?: Edition;
}
