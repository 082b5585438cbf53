CREATE TABLE `quirk_count` (
	`organization_id` text NOT NULL,
	`source_id` text NOT NULL,
	`number` integer NOT NULL,
	`count` integer NOT NULL,
	`last_seen` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `source_id`, `number`)
) WITHOUT ROWID;
