import type { Role } from '../role.ts';

export interface ApproverFacts {
  readonly approver: string;
  readonly role: Role;
  /** The roles that decide in this app. */
  readonly approverRoles: readonly Role[];
  /** The maker of the revision that is to be decided. */
  readonly madeBy: string;
  readonly submittedBy: string | null;
  readonly makerMayApprove: boolean;
}

/** Why this person may not decide this revision, or undefined. */
export function refusalOfApprover(facts: ApproverFacts): string | undefined {
  const { approver, role, approverRoles, madeBy, submittedBy, makerMayApprove } = facts;
  if (!approverRoles.includes(role)) return 'this person is not an approver of the app';
  const isMaker = approver === madeBy || approver === submittedBy;
  return isMaker && !makerMayApprove ? 'the maker of a revision may not approve it' : undefined;
}
