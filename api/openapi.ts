/** To spread in a route's schema: which key it needs. */
export const PERSON = { security: [{ person: [] }] } as const;
export const SDK = { security: [{ sdk: [] }] } as const;
export const ADMIN = { security: [{ admin: [] }] } as const;
