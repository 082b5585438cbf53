ALTER TABLE `job` ADD `failed` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `job` ADD `stopped` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `job` ADD `request` text;--> statement-breakpoint
ALTER TABLE `job` ADD `progress` text;--> statement-breakpoint
ALTER TABLE `job` ADD `version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `job` ADD `due_at` integer;--> statement-breakpoint
CREATE INDEX `job_due` ON `job` (`due_at`) WHERE due_at IS NOT NULL;