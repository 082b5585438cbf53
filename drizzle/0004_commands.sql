CREATE TABLE `job` (
	`organization_id` text NOT NULL,
	`id` text NOT NULL,
	`type` text NOT NULL,
	`directory_id` text NOT NULL,
	`sequence` integer,
	`ended` integer DEFAULT false NOT NULL,
	`total` integer NOT NULL,
	`reached` integer DEFAULT 0 NOT NULL,
	`errors` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `job_by_sequence` ON `job` (`organization_id`,`sequence`) WHERE sequence IS NOT NULL;--> statement-breakpoint
ALTER TABLE `binding` ADD `unbound_by` text;--> statement-breakpoint
ALTER TABLE `binding` ADD `approval` text;--> statement-breakpoint
ALTER TABLE `binding` ADD `taken_at` integer;--> statement-breakpoint
ALTER TABLE `binding` ADD `asked_sequence` integer;--> statement-breakpoint
CREATE INDEX `binding_asked` ON `binding` (`organization_id`,`directory_id`,`asked_sequence`) WHERE asked_sequence IS NOT NULL;--> statement-breakpoint
ALTER TABLE `directory` ADD `removals` text;