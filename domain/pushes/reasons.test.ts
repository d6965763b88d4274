import { expect, test } from 'vitest';
import {
  credentialRefused,
  NO_TRUST,
  TOO_MANY_REJECTED,
  tooManyRefused,
  trustAfterResume,
} from './reasons.ts';

test('a resume accepts what the push paused for, and nothing else', () => {
  expect(trustAfterResume(NO_TRUST, TOO_MANY_REJECTED)).toEqual({ tokens: true, messages: false });
  expect(trustAfterResume(NO_TRUST, tooManyRefused('NOT_FOUND'))).toEqual({ tokens: false, messages: true });
  expect(trustAfterResume(NO_TRUST, credentialRefused('InvalidProviderToken'))).toEqual(NO_TRUST);
  expect(trustAfterResume(NO_TRUST, null)).toEqual(NO_TRUST);
});

test('what was accepted stays accepted', () => {
  const messages = trustAfterResume(NO_TRUST, tooManyRefused('NOT_FOUND'));
  expect(trustAfterResume(messages, TOO_MANY_REJECTED)).toEqual({ tokens: true, messages: true });
});
