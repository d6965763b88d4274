import type { InvalidToken } from '../../db/ledger/invalid-tokens.ts';
import type { Channel } from '../../domain/platform.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';

/** The tokens of one lease that push services rejected, until they are deactivated. */
export class BadTokens {
  #gone: InvalidToken[] = [];
  /** Doubtful tokens may be good, if the credential is wrong. */
  readonly #doubtful = new Map<Channel, InvalidToken[]>();

  get areWritten(): boolean {
    return this.#gone.length === 0;
  }

  record(deliveryNo: number, channel: Channel, outcome: Outcome): void {
    if (outcome.kind !== 'rejected' || outcome.token === 'good') return;
    const { reason, staleSince = new Date(), token } = outcome;
    if (token === 'gone') this.#gone.push({ deliveryNo, reason, staleSince });
    else this.#doubtfulOf(channel).push({ deliveryNo, reason, staleSince });
  }

  #doubtfulOf(channel: Channel): InvalidToken[] {
    const known = this.#doubtful.get(channel) ?? [];
    this.#doubtful.set(channel, known);
    return known;
  }

  /** Called at the end of the lease, when it is known whether the doubtful tokens are bad. */
  judge(areCredible: (channel: Channel) => boolean): void {
    for (const [channel, tokens] of this.#doubtful) if (areCredible(channel)) this.#gone.push(...tokens);
    this.#doubtful.clear();
  }

  /** Tokens whose deactivation failed stay for the next call. */
  async write(invalidate: (tokens: readonly InvalidToken[]) => Promise<void>): Promise<void> {
    const tokens = this.#gone;
    if (tokens.length === 0) return;
    await invalidate(tokens);
    this.#gone = this.#gone.slice(tokens.length);
  }
}
