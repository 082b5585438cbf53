ALTER TABLE `binding` ADD `asked_before` text;--> statement-breakpoint
ALTER TABLE `binding` ADD `undo_sequence` integer;--> statement-breakpoint
CREATE INDEX `binding_asked_before` ON `binding` (`organization_id`,`directory_id`) WHERE asked_before IS NOT NULL;--> statement-breakpoint
CREATE INDEX `binding_undone` ON `binding` (`organization_id`,`directory_id`,`undo_sequence`) WHERE undo_sequence IS NOT NULL;--> statement-breakpoint
CREATE INDEX `job_of_commands` ON `job` (`organization_id`) WHERE commands IS NOT NULL;