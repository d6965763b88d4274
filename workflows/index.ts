export { housekeeping } from './housekeeping.ts';
export { operationTask } from './operation-task.ts';
export { push } from './push.ts';
export { recurringRun } from './recurring-run.ts';
export { testSend } from './test-send.ts';
export { triggers } from './triggers.ts';
