ALTER TABLE `binding` ADD `adopting` text;--> statement-breakpoint
ALTER TABLE `job` ADD `commands` text;--> statement-breakpoint
ALTER TABLE `user` ADD `imported_from` text;