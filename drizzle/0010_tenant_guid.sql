ALTER TABLE `directory` ADD `tenant_guid` text;--> statement-breakpoint
ALTER TABLE `source` ADD `tenant_guid` text;