import { expect, test } from 'vitest';
import { EXPLAINED_REASONS, explainReason } from './explanations.ts';
import { LOSS_REASONS, NOT_SENT_REASONS, SUPPRESSION_REASONS } from './reasons.ts';

const OWN_REASONS = [...LOSS_REASONS, ...SUPPRESSION_REASONS, ...NOT_SENT_REASONS, 'unknown_outcome'];

test('every reason of the product has an explanation', () => {
  for (const reason of OWN_REASONS) expect(EXPLAINED_REASONS).toContain(reason);
});

test.each([
  ...new Set([...OWN_REASONS, ...EXPLAINED_REASONS]),
])('the meaning of %s and the remedy are sentences', (reason) => {
  const { meaning, whatToDo } = explainReason(reason);
  expect(meaning).toMatch(/^[A-Z].{10,}\.$/);
  expect(whatToDo).toMatch(/^[A-Z].{10,}\.$/);
});

test('an answer without a reason is told by its status', () => {
  expect(explainReason('HTTP 404').meaning).toContain('answered HTTP 404');
});

test('a reason that only the push service knows is quoted', () => {
  for (const reason of ['QuotaForMoonPhase', 'constructor'])
    expect(explainReason(reason).meaning).toContain(reason);
});
