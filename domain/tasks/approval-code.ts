import type { Mac } from '../receipts/message-id.ts';

/** `api`: made and used by the API within one request. `signal`: given to the approver for the CLI. */
export type CodeWay = 'api' | 'signal';

export interface CodeSubject {
  readonly taskId: string;
  readonly submission: number;
  readonly revision: number;
  readonly approver: string;
}

const CODE_BYTES = 15;

/** A code that binds one approver to one revision of one submission, in 20 base64url characters. */
export function approvalCode(mac: Mac, way: CodeWay, subject: CodeSubject): string {
  const text = ['approval', way, subject.taskId, subject.submission, subject.revision, subject.approver];
  return Buffer.from(mac(Buffer.from(text.join('\n'))).subarray(0, CODE_BYTES)).toString('base64url');
}

/** The way for which the code was made for this subject, or undefined. The comparison takes constant time. */
export function verifyApprovalCode(mac: Mac, subject: CodeSubject, code: string): CodeWay | undefined {
  let found: CodeWay | undefined;
  for (const way of ['api', 'signal'] as const) {
    if (equalText(approvalCode(mac, way, subject), code)) found = way;
  }
  return found;
}

function equalText(expected: string, given: string): boolean {
  let difference = expected.length ^ given.length;
  for (let i = 0; i < expected.length; i++) difference |= expected.charCodeAt(i) ^ given.charCodeAt(i);
  return difference === 0;
}
