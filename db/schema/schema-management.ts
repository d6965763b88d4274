import type { Int8 } from './int8.ts';

export interface AppStopsTable {
  app_id: string;
  at: Date;
  person_id: string;
  reason: string;
}

export interface SubgroupsTable {
  id: string;
  app_id: string;
  parent_id: string | null;
  name: string;
  created_by: string | null;
  created_at: Date;
  updated_at: Date;
}

export interface SubCampaignsTable {
  id: string;
  app_id: string;
  name: string;
  created_by: string;
  created_at: Date;
}

export interface TaskSubCampaignsTable {
  task_id: string;
  sub_campaign_id: string;
}

export interface TaskTotalsTable {
  task_id: string;
  planned: Int8;
  deliveries: Int8;
  impressions: Int8;
  opens: Int8;
  dismissals: Int8;
}

export interface TaskTotalsRefreshesTable {
  app_id: string;
  as_of: Date;
}

export interface RequestOriginsTable {
  id: string;
  app_id: string;
  key_id: string;
  ip: string | null;
  user_agent: string | null;
  at: Date;
}
