export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Target =
  | { readonly ok: true; readonly addresses: readonly [Address, ...Address[]] }
  | { readonly ok: false; readonly reason: string };

/** Resolves a URL and decides whether requests may go there. A request goes only to the addresses returned. */
export type FindTarget = (url: URL) => Promise<Target>;
