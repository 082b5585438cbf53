CREATE TABLE `drift` (
	`organization_id` text NOT NULL,
	`directory_id` text NOT NULL,
	`reconciliation_id` text NOT NULL,
	`user_id` text NOT NULL,
	`attribute` text NOT NULL,
	`graph_id` text NOT NULL,
	`direction` text NOT NULL,
	`ours` text,
	`theirs` text,
	PRIMARY KEY(`organization_id`, `reconciliation_id`, `user_id`, `attribute`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `reconciliation` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`directory_id` text NOT NULL,
	`mode` text NOT NULL,
	`state` text NOT NULL,
	`on_demand` integer DEFAULT false NOT NULL,
	`progress` text,
	`counts` text NOT NULL,
	`error` text,
	`version` integer DEFAULT 0 NOT NULL,
	`due_at` integer NOT NULL,
	`started_at` integer NOT NULL,
	`ended_at` integer,
	PRIMARY KEY(`organization_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `reconciliation_by_directory` ON `reconciliation` (`organization_id`,`directory_id`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `reconciliation_running` ON `reconciliation` (`organization_id`,`directory_id`) WHERE state = 'running';--> statement-breakpoint
CREATE TABLE `seen_accounts` (
	`organization_id` text NOT NULL,
	`directory_id` text NOT NULL,
	`reconciliation_id` text NOT NULL,
	`page` integer NOT NULL,
	`graph_ids` text NOT NULL,
	PRIMARY KEY(`organization_id`, `reconciliation_id`, `page`)
) WITHOUT ROWID;
