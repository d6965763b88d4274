/** The subjects of the reference in the order of its page. */
export const TAGS = {
  tasks:
    'Carriers of one marketing operation: audience, time, content. A task is a draft until it is submitted.',
  approval: 'Decisions about submitted tasks, by the API or by a signal from a terminal.',
  'test sends': "A task's content on test devices, approved or not.",
  content: 'What a message says, as each device gets it.',
  pushes: 'Executions of tasks, with one delivery for each planned device.',
  statistics: 'Figures of pushes, tasks and the app, as JSON, as CSV and as live streams.',
  audiences: 'Versioned sets of devices: uploads, rules, combinations, results of pushes.',
  devices: 'Installations of the app with their addresses, attributes and tags.',
  users: 'Users of the app: the keys that verify them, and their erasure.',
  events: 'What users did. Rules and trigger tasks use events.',
  receipts: 'What devices and vendors report of deliveries.',
  subgroups: 'Folders of tasks.',
  'sub-campaigns': 'Marketing activities that tasks serve.',
  'contact rules': 'Caps and quiet hours of the app.',
  webhooks: 'Messages to your systems about tasks and pushes.',
  audit: 'Who did what, when and from where.',
  apps: 'The app, its settings and its emergency stop.',
  keys: 'Keys of persons and of SDKs.',
  credentials: 'Credentials of the push services.',
  health: 'Checks for load balancers and operators.',
} as const;

export type Tag = keyof typeof TAGS;
