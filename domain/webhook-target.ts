export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Target =
  | { readonly ok: true; readonly addresses: readonly [Address, ...Address[]] }
  | { readonly ok: false; readonly reason: string };

/** Looks up where a URL leads, and says whether requests may go there: only to what it returns. */
export type FindTarget = (url: URL) => Promise<Target>;
