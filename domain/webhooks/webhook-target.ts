export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Target =
  | { readonly ok: true; readonly addresses: readonly [Address, ...Address[]] }
  | { readonly ok: false; readonly reason: string };

/** Resolves a URL and decides whether requests may go there. Requests go only to the returned addresses. */
export type FindTarget = (url: URL) => Promise<Target>;
