ALTER TABLE `binding` ADD `deleted_at` integer;--> statement-breakpoint
CREATE INDEX `binding_deleted_by_person` ON `binding` (`organization_id`,`directory_id`,`external_id`) WHERE deleted_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `binding_deleted_by_name` ON `binding` (`organization_id`,`directory_id`,lower(snapshot ->> 'email')) WHERE deleted_at IS NOT NULL;--> statement-breakpoint
ALTER TABLE `directory` ADD `domains` text;