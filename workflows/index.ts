export { housekeeping } from './housekeeping.ts';
export { occurrence } from './occurrence.ts';
export { push } from './push/push.ts';
export { operationTask } from './task/operation-task.ts';
export { testSend } from './test-send.ts';
export { triggers } from './triggers.ts';
