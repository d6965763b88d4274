export const ROLES = ['marketer', 'approver', 'operator'] as const;
export type Role = (typeof ROLES)[number];
