CREATE TABLE `attribute_direction` (
	`organization_id` text NOT NULL,
	`directory_id` text NOT NULL,
	`attribute` text NOT NULL,
	`direction` text NOT NULL,
	`sequence` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `directory_id`, `attribute`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `awaited` (
	`organization_id` text NOT NULL,
	`directory_id` text NOT NULL,
	`awaited_id` text NOT NULL,
	`waiter_id` text NOT NULL,
	PRIMARY KEY(`organization_id`, `directory_id`, `awaited_id`, `waiter_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `awaited_by_waiter` ON `awaited` (`organization_id`,`directory_id`,`waiter_id`);--> statement-breakpoint
CREATE TABLE `binding` (
	`organization_id` text NOT NULL,
	`directory_id` text NOT NULL,
	`kind` text NOT NULL,
	`resource_id` text NOT NULL,
	`graph_id` text,
	`state` text NOT NULL,
	`reason` text NOT NULL,
	`snapshot` text NOT NULL,
	`unknown` text NOT NULL,
	`exported_sequence` integer DEFAULT 0 NOT NULL,
	`exported_at` integer,
	`creating_as` text,
	`creating_since` integer,
	`due_at` integer,
	`urgency` integer DEFAULT 0 NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`error` text,
	`manager_graph_id` text,
	`password_sequence` integer DEFAULT 0 NOT NULL,
	`member_cursor` text,
	`external_id` text,
	PRIMARY KEY(`organization_id`, `directory_id`, `kind`, `resource_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `binding_by_graph_id` ON `binding` (`organization_id`,`directory_id`,`graph_id`) WHERE graph_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `binding_due` ON `binding` (`organization_id`,`directory_id`,`urgency`,`due_at`) WHERE due_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `binding_by_manager` ON `binding` (`organization_id`,`directory_id`,`manager_graph_id`) WHERE manager_graph_id IS NOT NULL;--> statement-breakpoint
CREATE TABLE `directory` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`tenant_id` text NOT NULL,
	`client_id` text NOT NULL,
	`credential_type` text NOT NULL,
	`credential` text,
	`credential_expires_at` integer,
	`settings` text NOT NULL,
	`state` text NOT NULL,
	`state_reason` text,
	`position` integer NOT NULL,
	`urgent_position` integer NOT NULL,
	`lease_token` text,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`intent` text,
	`expansion` text,
	`delta_link` text,
	`last_drain` text,
	`last_error` text,
	`created_at` integer NOT NULL,
	`modified_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `directory_by_tenant` ON `directory` (`organization_id`,`tenant_id`);--> statement-breakpoint
CREATE TABLE `exported_member` (
	`organization_id` text NOT NULL,
	`directory_id` text NOT NULL,
	`group_id` text NOT NULL,
	`member_id` text NOT NULL,
	`graph_id` text NOT NULL,
	`unknown` integer DEFAULT false NOT NULL,
	`exported_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `directory_id`, `group_id`, `member_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `exported_member_unknown` ON `exported_member` (`organization_id`,`directory_id`,`group_id`) WHERE unknown = 1;--> statement-breakpoint
CREATE TABLE `lane` (
	`key` text PRIMARY KEY NOT NULL,
	`tokens` real NOT NULL,
	`refilled_at` integer NOT NULL,
	`blocked_until` integer DEFAULT 0 NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `event` (
	`organization_id` text NOT NULL,
	`sequence` integer NOT NULL,
	`time` integer NOT NULL,
	`class` text NOT NULL,
	`type` text NOT NULL,
	`urgent` integer DEFAULT false NOT NULL,
	`target_type` text NOT NULL,
	`target_id` text NOT NULL,
	`directory_id` text,
	`touched` text,
	`outcome` text NOT NULL,
	`actor_type` text NOT NULL,
	`actor_id` text,
	`body` text NOT NULL,
	PRIMARY KEY(`organization_id`, `sequence`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `event_by_target` ON `event` (`organization_id`,`target_id`);--> statement-breakpoint
CREATE INDEX `event_urgent` ON `event` (`organization_id`,`sequence`) WHERE urgent = 1;--> statement-breakpoint
CREATE TABLE `admin` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `api_key` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`admin_id` text NOT NULL,
	`name` text NOT NULL,
	`secret_hash` text NOT NULL,
	`prefix` text NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `api_key_by_secret` ON `api_key` (`secret_hash`);--> statement-breakpoint
CREATE TABLE `organization` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`settings` text NOT NULL,
	`user_count` integer DEFAULT 0 NOT NULL,
	`group_count` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `source` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`type` text NOT NULL,
	`username_policy` text NOT NULL,
	`entra_tenant_id` text,
	`created_at` integer NOT NULL,
	`modified_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `source_credential` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`source_id` text NOT NULL,
	`type` text NOT NULL,
	`name` text NOT NULL,
	`secret_hash` text,
	`prefix` text,
	`expires_at` integer,
	`revoked_at` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `source_credential_by_secret` ON `source_credential` (`secret_hash`);--> statement-breakpoint
CREATE INDEX `source_credential_by_source` ON `source_credential` (`organization_id`,`source_id`);--> statement-breakpoint
CREATE TABLE `email` (
	`organization_id` text NOT NULL,
	`address_key` text NOT NULL,
	`user_id` text NOT NULL,
	PRIMARY KEY(`organization_id`, `address_key`, `user_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `group` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`display_name_key` text NOT NULL,
	`external_id` text,
	`resource` text NOT NULL,
	`source_id` text,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`modified_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `group_by_display_name` ON `group` (`organization_id`,`display_name_key`);--> statement-breakpoint
CREATE UNIQUE INDEX `group_by_external_id` ON `group` (`organization_id`,`external_id`) WHERE external_id IS NOT NULL;--> statement-breakpoint
CREATE TABLE `group_member` (
	`organization_id` text NOT NULL,
	`group_id` text NOT NULL,
	`member_id` text NOT NULL,
	PRIMARY KEY(`organization_id`, `group_id`, `member_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `group_member_by_member` ON `group_member` (`organization_id`,`member_id`,`group_id`);--> statement-breakpoint
CREATE TABLE `pending_password` (
	`organization_id` text NOT NULL,
	`user_id` text NOT NULL,
	`sealed` text NOT NULL,
	`sequence` integer NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `user_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `user` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`user_name_key` text NOT NULL,
	`username_key` text,
	`email_key` text,
	`external_id` text,
	`suspended` integer DEFAULT false NOT NULL,
	`password_expired` integer DEFAULT false NOT NULL,
	`has_password` integer DEFAULT false NOT NULL,
	`resource` text NOT NULL,
	`imported` text,
	`source_id` text,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`modified_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `user_by_user_name` ON `user` (`organization_id`,`user_name_key`);--> statement-breakpoint
CREATE UNIQUE INDEX `user_by_username` ON `user` (`organization_id`,`username_key`) WHERE username_key IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `user_by_email` ON `user` (`organization_id`,`email_key`) WHERE email_key IS NOT NULL;--> statement-breakpoint
CREATE INDEX `user_by_external_id` ON `user` (`organization_id`,`external_id`) WHERE external_id IS NOT NULL;