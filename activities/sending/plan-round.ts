import { MIN_CLAIM } from './in-flight-budget.ts';

/** The most devices of one lease whose answers may be outstanding. */
export const WINDOW = 512;
/** The window until the first outcomes show that the tokens are not all wrong. */
const FIRST_WINDOW = 128;
/**
 * The window while a push service takes nothing. Waiting devices keep other leases of the process from
 * claiming.
 */
const PROBING_WINDOW = 4;
/**
 * Fewer results wait for others, but not longer than SETTLE_MS, because statistics are live. A batch of this
 * size is settled after a claim instead of with it, because a claim keeps all other leases of the process
 * waiting.
 */
export const SETTLE_BATCH = 200;
const SETTLE_MS = 200;
/** An idle lease renews itself this often, and so learns of a fence. */
const RENEW_MS = 300;

/** The progress of one lease, as far as its next round depends on it. */
export interface RoundState {
  /** True once no request is started any more. */
  readonly isEnding: boolean;
  /** True after a statement without an answer, which may be committed. */
  readonly isUnsure: boolean;
  /** True while the last request was given back unsent. */
  readonly isProbing: boolean;
  /** True while too few outcomes are known to tell good tokens from wrong ones. */
  readonly areTokensUnknown: boolean;
  /** Devices whose answers are outstanding. */
  readonly outstanding: number;
  /** Devices of the lease that no round has claimed yet. */
  readonly unclaimed: number;
  /** Devices that are claimed and wait to be tried again. */
  readonly waiting: number;
  /** Waiting devices that may be tried now. */
  readonly due: number;
  /** Results that are not settled yet. */
  readonly results: number;
  readonly sinceSettledMs: number;
  readonly sinceRenewedMs: number;
}

/** How many devices the process's budget and the rates allow. */
export interface Allowance {
  readonly reserved: number;
  readonly granted: number;
}

export interface RoundPlan {
  /** Devices to claim and send. */
  readonly claim: number;
  /** Waiting devices to send once more. */
  readonly retries: number;
  /**
   * `now`: results are settled by the statement that claims, or by one that claims nothing and renews the
   * lease. `after`: there is a claim, and results follow in a statement of their own. `no`: this round needs
   * no statement.
   */
  readonly settle: 'now' | 'after' | 'no';
}

/** How many devices the lease would send now if nothing but its own window limited it. */
export function requestedDevices(state: RoundState): number {
  if (state.isEnding) return 0;
  const room = Math.max(0, windowOf(state) - state.outstanding);
  return Math.min(room, state.unclaimed + state.waiting);
}

export function planRound(state: RoundState, { reserved, granted }: Allowance): RoundPlan {
  const retries = Math.min(state.due, reserved, granted);
  const claim = Math.min(claimable(state, reserved), granted - retries);
  return { claim, retries, settle: settling(state, claim, retries) };
}

/** Whether results are settled although nothing is claimed. */
export function isWorthSettling(state: RoundState): boolean {
  const { results, outstanding, unclaimed, sinceSettledMs } = state;
  const areLast = outstanding === 0 && unclaimed === 0;
  return results > 0 && (areLast || sinceSettledMs > SETTLE_MS || results >= SETTLE_BATCH);
}

function windowOf({ isProbing, areTokensUnknown }: RoundState): number {
  if (isProbing) return PROBING_WINDOW;
  return areTokensUnknown ? FIRST_WINDOW : WINDOW;
}

/**
 * Waiting devices are claimed already and go first, because an outage must not claim the rest of the lease,
 * too.
 */
function claimable({ unclaimed, waiting }: RoundState, reserved: number): number {
  const most = Math.min(reserved - waiting, unclaimed);
  return most >= Math.min(MIN_CLAIM, unclaimed) ? Math.max(0, most) : 0;
}

function settling(state: RoundState, claim: number, retries: number): RoundPlan['settle'] {
  if (claim > 0) return state.results < SETTLE_BATCH ? 'now' : 'after';
  return retries > 0 || isStatementDue(state) ? 'now' : 'no';
}

/** Whether a statement is needed that claims nothing. */
function isStatementDue(state: RoundState): boolean {
  if (state.isEnding) return state.results > 0 || state.isUnsure;
  return isWorthSettling(state) || state.sinceRenewedMs > RENEW_MS;
}
