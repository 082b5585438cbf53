CREATE TABLE `overwritten` (
	`organization_id` text NOT NULL,
	`directory_id` text NOT NULL,
	`user_id` text NOT NULL,
	`sequence` integer NOT NULL,
	`graph_id` text NOT NULL,
	`held` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `directory_id`, `user_id`, `sequence`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `binding` ADD `bound_sequence` integer;--> statement-breakpoint
ALTER TABLE `binding` ADD `adopted_at` integer;--> statement-breakpoint
ALTER TABLE `binding` ADD `restoring` text;