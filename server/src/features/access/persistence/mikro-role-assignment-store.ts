import type { SqlEntityManager } from '@mikro-orm/sql';
import { mapPage, paginate } from '../../../platform/db/paginate.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import type { RoleAssignment, RoleAssignmentFilter, RoleAssignmentStore } from '../ports.js';
import { RoleAssignmentRow } from './access.entity.js';
import { toColumns, toScope } from './scope-columns.js';

export class MikroRoleAssignmentStore implements RoleAssignmentStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert({ scope, ...rest }: RoleAssignment): Promise<void> {
    await this.em.insert(RoleAssignmentRow, { ...rest, ...toColumns(scope) });
  }

  async get(id: string): Promise<RoleAssignment | undefined> {
    const row = await this.em.findOne(RoleAssignmentRow, { id });
    return row === null ? undefined : toAssignment(row);
  }

  async ofUser(userId: string): Promise<RoleAssignment[]> {
    return (await this.em.find(RoleAssignmentRow, { userId }, { orderBy: { createdAt: 'ASC', id: 'ASC' } })).map(
      toAssignment,
    );
  }

  async remove(id: string): Promise<void> {
    await this.em.nativeDelete(RoleAssignmentRow, { id });
  }

  async hasOtherServerOwner(id: string): Promise<boolean> {
    const where = { role: 'OWNER', subscriptionId: null, vaultId: null, id: { $ne: id } } as const;
    return (await this.em.find(RoleAssignmentRow, where, { limit: 1 })).length > 0;
  }

  async list(filter: RoleAssignmentFilter, page: PageRequest): Promise<Page<RoleAssignment>> {
    const where = {
      ...(filter.userId === undefined ? {} : { userId: filter.userId }),
      ...(filter.subscriptionId === undefined ? {} : { subscriptionId: filter.subscriptionId }),
      ...(filter.vaultId === undefined ? {} : { vaultId: filter.vaultId }),
    };
    return mapPage(await paginate(this.em, RoleAssignmentRow, where, 'createdAt', page), toAssignment);
  }
}

function toAssignment(row: RoleAssignmentRow): RoleAssignment {
  return { id: row.id, userId: row.userId, role: row.role, scope: toScope(row), createdAt: row.createdAt };
}
