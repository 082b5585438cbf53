CREATE TABLE `idempotency_key` (
	`organization_id` text NOT NULL,
	`admin_id` text NOT NULL,
	`key` text NOT NULL,
	`request_hash` text NOT NULL,
	`status` integer,
	`answer` text,
	`resource_id` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `admin_id`, `key`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `admin` ADD `email` text;--> statement-breakpoint
ALTER TABLE `api_key` ADD `role` text;