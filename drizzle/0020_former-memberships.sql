CREATE TABLE `former_membership` (
	`organization_id` text NOT NULL,
	`directory_id` text NOT NULL,
	`graph_id` text NOT NULL,
	`group_id` text NOT NULL,
	`left_at` integer NOT NULL,
	`was_there` integer,
	PRIMARY KEY(`organization_id`, `directory_id`, `graph_id`, `group_id`)
) WITHOUT ROWID;
