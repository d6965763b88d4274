import { freezeAudience } from '../db/audiences/frozen-audience.ts';
import { RuleError } from '../db/audiences/rule-context.ts';
import { createPush } from '../db/ledger/pushes.ts';
import { setTaskRate } from '../db/ledger/rates.ts';
import {
  findApprover,
  findPlan,
  hasEnded,
  nextPushSeq,
  recordProjection,
  type TaskProjection,
} from '../db/tasks/task-state.ts';
import { verifyApprovalCode } from '../domain/tasks/approval-code.ts';
import { refusalOfApprover } from '../domain/tasks/approval-rules.ts';
import type { Plan } from '../domain/tasks/plan.ts';
import type { ActivityDeps } from './deps.ts';
import { withHeartbeats } from './heartbeats.ts';

export interface ApproverClaim {
  readonly taskId: string;
  readonly submission: number;
  readonly revision: number;
  readonly approver: string;
  readonly submittedBy: string;
  readonly code: string | null;
}

/** `via` is the audited path of the approval. */
export type ApproverCheck =
  | { readonly ok: true; readonly via: 'api' | 'signal' | 'claimed' }
  | { readonly ok: false; readonly reason: string };

export interface TaskActivities {
  /** The plan is null when the revision does not exist or the submission is known to have ended. */
  loadPlan(input: { taskId: string; revision: number; submission?: number }): Promise<Plan | null>;
  nextPush(input: { taskId: string }): Promise<number>;
  checkApprover(claim: ApproverClaim): Promise<ApproverCheck>;
  recordStatus(projection: TaskProjection): Promise<void>;
  createPush(input: {
    pushId: string;
    taskId: string;
    seq: number;
    revision: number;
    dueAt: number;
  }): Promise<void>;
  /** Copies the audience of an approved revision; an existing copy stays as it is. */
  freezeAudience(input: { taskId: string; revision: number }): Promise<void>;
  applyRate(input: { taskId: string; ratePerSecond: number | null }): Promise<void>;
}

export function createTaskActivities({
  db,
  clock,
  log,
  approvalMac,
  receiptWindowMs,
}: ActivityDeps): TaskActivities {
  return {
    async loadPlan(input) {
      const { submission } = input;
      if (submission !== undefined && (await hasEnded(db, { ...input, submission }))) return null;
      return (await findPlan(db, input)) ?? null;
    },
    async nextPush(input) {
      return await nextPushSeq(db, input);
    },
    async checkApprover(claim) {
      const approver = await findApprover(db, { ...claim, personId: claim.approver });
      if (approver === undefined)
        return refused("the approver or the revision does not exist in this task's app");
      const refusal = refusalOfApprover({
        approver: claim.approver,
        role: approver.role,
        approverRoles: approver.approver_roles,
        madeBy: approver.made_by,
        submittedBy: claim.submittedBy,
        makerMayApprove: approver.maker_may_approve,
      });
      if (refusal !== undefined) return refused(refusal);
      if (claim.code === null) {
        return approver.signal_approval === 'claimed'
          ? { ok: true, via: 'claimed' }
          : refused('an approval code is required: request one from the API as this approver');
      }
      const way = verifyApprovalCode(approvalMac, claim, claim.code);
      if (way === undefined) return refused('the code is not valid for this approver and revision');
      if (way === 'signal' && approver.signal_approval === 'off')
        return refused('this app does not allow approvals by signal: approve through the API');
      return { ok: true, via: way };
    },
    async recordStatus(projection) {
      await recordProjection(db, projection, await clock());
    },
    async createPush({ pushId, dueAt, ...push }) {
      const now = await clock();
      await createPush(db, { ...push, id: pushId, dueAt: new Date(dueAt), windowMs: receiptWindowMs, now });
    },
    async freezeAudience(input) {
      try {
        await withHeartbeats(freezeAudience(db, { ...input, now: await clock() }));
      } catch (error) {
        // The preparation of the push will fail with the same error and report it.
        if (!(error instanceof RuleError)) throw error;
        log.warn({ taskId: input.taskId, reason: error.message }, 'the audience could not be frozen');
      }
    },
    async applyRate({ taskId, ratePerSecond }) {
      await setTaskRate(db, { taskId, perSecond: ratePerSecond, now: await clock() });
    },
  };
}

function refused(reason: string): ApproverCheck {
  return { ok: false, reason };
}
