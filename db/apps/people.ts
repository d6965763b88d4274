import type { Db } from '../core/database.ts';
import type { PeopleTable } from '../schema/schema.ts';

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly role: PeopleTable['role'];
}

export async function insertPerson(
  db: Db,
  person: Person & { readonly appId: string; readonly createdAt: Date },
): Promise<void> {
  await db
    .insertInto('people')
    .values({
      id: person.id,
      app_id: person.appId,
      name: person.name,
      role: person.role,
      created_at: person.createdAt,
    })
    .execute();
}
