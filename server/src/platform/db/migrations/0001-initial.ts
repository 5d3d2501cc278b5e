// Written by `pnpm --filter @holdfast/server migration:renew` from the entities.
import { Migration } from '@mikro-orm/migrations';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';

const SQLITE = [
  "create table `api_token` (`id` text not null primary key, `user_id` text not null, `name` text not null, `token_hash` text not null, `role` text not null, `subscription_id` text null, `vault_id` text null, `created_at` bigint not null, `expires_at` bigint not null, `revoked_at` bigint null)",
  "create index `api_token_user_id_index` on `api_token` (`user_id`)",
  "create unique index `api_token_token_hash_unique` on `api_token` (`token_hash`)",
  "create table `audit_event` (`id` text not null primary key, `at` bigint not null, `actor` text not null, `action` text not null, `target_type` text null, `target_id` text null, `outcome` text not null, `reason` text null, `address` text null)",
  "create index `audit_event_at_id_index` on `audit_event` (`at`, `id`)",
  "create table `role_assignment` (`id` text not null primary key, `user_id` text not null, `role` text not null, `subscription_id` text null, `vault_id` text null, `created_at` bigint not null)",
  "create index `role_assignment_user_id_index` on `role_assignment` (`user_id`)",
  "create index `role_assignment_created_at_id_index` on `role_assignment` (`created_at`, `id`)",
  "create table `session` (`id` text not null primary key, `user_id` text not null, `token_hash` text not null, `created_at` bigint not null, `last_used_at` bigint not null, `expires_at` bigint not null, `ends_at` bigint not null)",
  "create index `session_user_id_index` on `session` (`user_id`)",
  "create unique index `session_token_hash_unique` on `session` (`token_hash`)",
  "create index `session_expires_at_index` on `session` (`expires_at`)",
  "create table `user_account` (`id` text not null primary key, `name` text not null, `folded_name` text not null, `password_hash` text not null, `created_at` bigint not null)",
  "create unique index `user_account_folded_name_unique` on `user_account` (`folded_name`)",
];

const POSTGRESQL = [
  "create table \"api_token\" (\"id\" varchar(36) not null, \"user_id\" varchar(36) not null, \"name\" text not null, \"token_hash\" text not null, \"role\" text not null, \"subscription_id\" varchar(36) null, \"vault_id\" varchar(36) null, \"created_at\" bigint not null, \"expires_at\" bigint not null, \"revoked_at\" bigint null, primary key (\"id\"))",
  "create index \"api_token_user_id_index\" on \"api_token\" (\"user_id\")",
  "alter table \"api_token\" add constraint \"api_token_token_hash_unique\" unique (\"token_hash\")",
  "create table \"audit_event\" (\"id\" varchar(36) not null, \"at\" bigint not null, \"actor\" text not null, \"action\" text not null, \"target_type\" text null, \"target_id\" text null, \"outcome\" text not null, \"reason\" text null, \"address\" text null, primary key (\"id\"))",
  "create index \"audit_event_at_id_index\" on \"audit_event\" (\"at\", \"id\")",
  "create table \"role_assignment\" (\"id\" varchar(36) not null, \"user_id\" varchar(36) not null, \"role\" text not null, \"subscription_id\" varchar(36) null, \"vault_id\" varchar(36) null, \"created_at\" bigint not null, primary key (\"id\"))",
  "create index \"role_assignment_user_id_index\" on \"role_assignment\" (\"user_id\")",
  "create index \"role_assignment_created_at_id_index\" on \"role_assignment\" (\"created_at\", \"id\")",
  "create table \"session\" (\"id\" varchar(36) not null, \"user_id\" varchar(36) not null, \"token_hash\" text not null, \"created_at\" bigint not null, \"last_used_at\" bigint not null, \"expires_at\" bigint not null, \"ends_at\" bigint not null, primary key (\"id\"))",
  "create index \"session_user_id_index\" on \"session\" (\"user_id\")",
  "alter table \"session\" add constraint \"session_token_hash_unique\" unique (\"token_hash\")",
  "create index \"session_expires_at_index\" on \"session\" (\"expires_at\")",
  "create table \"user_account\" (\"id\" varchar(36) not null, \"name\" text not null, \"folded_name\" text not null, \"password_hash\" text not null, \"created_at\" bigint not null, primary key (\"id\"))",
  "alter table \"user_account\" add constraint \"user_account_folded_name_unique\" unique (\"folded_name\")",
];

export class Migration0001Initial extends Migration {
  override up(): void {
    for (const statement of this.driver instanceof PostgreSqlDriver ? POSTGRESQL : SQLITE) this.addSql(statement);
  }
}
