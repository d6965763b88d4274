import { readMigrationConfig } from '../../config.ts';
import { migrateToLatest } from './migrate.ts';

const applied = await migrateToLatest(readMigrationConfig().databaseUrl);
console.log(applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`);
