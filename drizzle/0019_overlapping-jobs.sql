ALTER TABLE `binding` ADD `asked_before` text;--> statement-breakpoint
ALTER TABLE `binding` ADD `undo_sequence` integer;--> statement-breakpoint
CREATE INDEX `binding_asked_before` ON `binding` (`organization_id`,`directory_id`) WHERE asked_before IS NOT NULL;--> statement-breakpoint
CREATE INDEX `binding_undone` ON `binding` (`organization_id`,`directory_id`,`undo_sequence`) WHERE undo_sequence IS NOT NULL;--> statement-breakpoint
CREATE INDEX `job_of_commands` ON `job` (`organization_id`) WHERE commands IS NOT NULL;--> statement-breakpoint
-- Undoings that are under way go on: what one is about was known by the number that commands have.
UPDATE `binding` SET `undo_sequence` = `asked_sequence`, `asked_sequence` = NULL WHERE `asked_sequence` IS NOT NULL AND EXISTS (
	SELECT 1 FROM `event` e WHERE e.`organization_id` = `binding`.`organization_id` AND e.`sequence` = `binding`.`asked_sequence` AND e.`type` = 'undo'
);