import { expect, test } from 'vitest';
import { EXPLAINED_REASONS, explainReason } from './explanations.ts';
import { LOSS_REASONS, NOT_SENT_REASONS, SUPPRESSION_REASONS } from './reasons.ts';

test('every reason of ours says what it means and what to do', () => {
  for (const reason of [...LOSS_REASONS, ...SUPPRESSION_REASONS, ...NOT_SENT_REASONS, 'unknown_outcome']) {
    expect(EXPLAINED_REASONS).toContain(reason);
  }
});

test('a reason that only the push service knows is passed on as it said it', () => {
  expect(explainReason('QuotaForMoonPhase').meaning).toContain('QuotaForMoonPhase');
});
