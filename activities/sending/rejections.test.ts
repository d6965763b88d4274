import { expect, test } from 'vitest';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import { createRejections } from './rejections.ts';

const accepted: Outcome = { kind: 'accepted' };
const doubtful: Outcome = { kind: 'rejected', reason: 'BadDeviceToken', token: 'doubtful' };
const gone: Outcome = { kind: 'rejected', reason: 'Unregistered', token: 'gone' };

function recorded(outcomes: readonly Outcome[], times: number, isTrusted = false) {
  const rejections = createRejections()(1, isTrusted);
  for (let i = 0; i < times; i++) for (const outcome of outcomes) rejections.record('apns', outcome);
  return rejections;
}

test('more than half rejected of the first 200 stops a push, or more than a fifth doubtful', () => {
  expect(recorded([doubtful], 199).areTooMany).toBe(false);
  expect(recorded([doubtful], 200).areTooMany).toBe(true);
  expect(recorded([doubtful, accepted, accepted, accepted], 50).areTooMany).toBe(true);
  expect(recorded([doubtful, accepted, accepted, accepted, accepted], 40).areTooMany).toBe(false);
  expect(recorded([gone, gone, accepted], 67).areTooMany).toBe(true);
  expect(recorded([gone, accepted], 200).areTooMany).toBe(false);
});

test('the tokens count as unknown before 200 outcomes, unless the push is trusted', () => {
  expect(recorded([accepted], 199).areUnknown).toBe(true);
  expect(recorded([accepted], 200).areUnknown).toBe(false);
  expect(recorded([accepted], 1, true).areUnknown).toBe(false);
});

test('a push that was resumed after its stop is not stopped again, and its rejections are credible', () => {
  const trusted = recorded([doubtful], 300, true);
  expect(trusted.areTooMany).toBe(false);
  expect(trusted.areCredible('apns')).toBe(true);
});

test('doubtful tokens are believed to be bad only while they are few', () => {
  expect(recorded([doubtful, accepted, accepted, accepted, accepted], 10).areCredible('apns')).toBe(true);
  expect(recorded([doubtful, accepted, accepted, accepted], 10).areCredible('apns')).toBe(false);
});

test('all leases of a push count together', () => {
  const rejectionsOf = createRejections();
  for (let lease = 0; lease < 4; lease++) {
    const rejections = rejectionsOf(7, false);
    for (let i = 0; i < 50; i++) rejections.record('apns', doubtful);
  }
  expect(rejectionsOf(7, false).areTooMany).toBe(true);
  expect(rejectionsOf(8, false).areTooMany).toBe(false);
});

test('each channel is judged by its own tokens, however many others are good', () => {
  const rejections = recorded([doubtful], 200);
  for (let i = 0; i < 5000; i++) rejections.record('fcm', accepted);
  expect(rejections.areTooMany).toBe(true);
  expect([rejections.areCredible('apns'), rejections.areCredible('fcm')]).toEqual([false, true]);
});
