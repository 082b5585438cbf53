CREATE TABLE `access_token` (
	`token_hash` text PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`credential_id` text NOT NULL,
	`expires_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `credential_notice` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`warned_of` integer,
	`warned_days` integer,
	`refused_at` integer,
	PRIMARY KEY(`organization_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `source_credential` ADD `issuer` text;--> statement-breakpoint
ALTER TABLE `source_credential` ADD `subject` text;--> statement-breakpoint
ALTER TABLE `source_credential` ADD `audience` text;--> statement-breakpoint
CREATE UNIQUE INDEX `source_credential_by_id` ON `source_credential` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `source_credential_by_trust` ON `source_credential` (`issuer`,`subject`,`audience`) WHERE issuer IS NOT NULL AND revoked_at IS NULL;