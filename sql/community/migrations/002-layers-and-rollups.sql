-- What gridtree keeps: the grids as a layer, codes of what stands in them, and figures.

SELECT grid_layer_add(:'name' || '.grids', 'boundary', 'geom', 'gridcode',
	'level = ''grid'' AND kind = ''base'' AND valid_from IS NOT NULL AND valid_to IS NULL', :'scheme') \g /dev/null
SELECT grid_layer_add(:'name' || '.areas', 'boundary', 'geom', 'gridcode',
	'kind = ''base'' AND valid_from IS NOT NULL AND valid_to IS NULL', :'scheme') \g /dev/null
SELECT grid_layer_add(:'name' || '.dedicated', 'boundary', 'geom', 'gridcode',
	'kind = ''dedicated'' AND valid_from IS NOT NULL AND valid_to IS NULL', :'scheme') \g /dev/null

SELECT format('CREATE TRIGGER zz_keep_grid BEFORE INSERT OR UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION grid_assign_trigger(%L, ''geom'', ''gridcode'')',
	t, :'name' || '.grids') FROM unnest(ARRAY['building', 'establishment']) AS t \gexec

-- Who lives there: households that have not left.
SELECT grid_rollup_create('household_total', 'household', 'gridcode',
	'{"households": "count(*) FILTER (WHERE valid_to IS NULL)",
	  "residents": "sum(residents) FILTER (WHERE valid_to IS NULL)"}',
	lowest_level => 'grid', top_level => :'top_level', max_lag => '1 minute', scheme => :'scheme') \g /dev/null

-- Events by kind, day and area, each measure at its own time; those that were rejected count nowhere.
SELECT grid_rollup_create('event_daily', 'event', 'gridcode',
	'{"filed": "count(*) FILTER (WHERE state <> ''rejected'')",
	  "quantity": "sum(quantity) FILTER (WHERE state <> ''rejected'')",
	  "due": {"expr": "count(*) FILTER (WHERE state <> ''rejected'')", "at": "deadline"},
	  "closed": {"expr": "count(*)", "at": "closed_at"},
	  "on_time": {"expr": "count(*) FILTER (WHERE closed_at <= deadline)", "at": "deadline"},
	  "reworked": {"expr": "count(*) FILTER (WHERE state <> ''rejected'')", "at": "reopened_at"},
	  "extended": {"expr": "count(*) FILTER (WHERE state <> ''rejected'')", "at": "extended_at"},
	  "hours": {"expr": "gridstats_agg(extract(epoch FROM closed_at - reported_at) / 3600)", "at": "closed_at"}}',
	bucket_column => 'reported_at', bucket_width => '1 day', dimensions => '{kind}',
	lowest_level => 'grid', top_level => :'top_level', time_zone => :'time_zone', max_lag => '1 minute', scheme => :'scheme') \g /dev/null

-- The same since records began: what figures of today start from.
SELECT grid_rollup_create('event_total', 'event', 'gridcode',
	'{"filed": "count(*) FILTER (WHERE state <> ''rejected'')",
	  "quantity": "sum(quantity) FILTER (WHERE state <> ''rejected'')",
	  "open": "count(*) FILTER (WHERE state NOT IN (''recorded'', ''rejected'', ''closed''))",
	  "due": "count(deadline) FILTER (WHERE state <> ''rejected'')",
	  "closed": "count(closed_at)",
	  "on_time": "count(*) FILTER (WHERE closed_at <= deadline)",
	  "reworked": "count(reopened_at) FILTER (WHERE state <> ''rejected'')",
	  "extended": "count(extended_at) FILTER (WHERE state <> ''rejected'')",
	  "hours": "gridstats_agg(extract(epoch FROM closed_at - reported_at) / 3600)"}',
	dimensions => '{kind}', lowest_level => 'grid', top_level => :'top_level', max_lag => '1 minute', scheme => :'scheme') \g /dev/null

SELECT grid_rollup_create('visit_monthly', 'visit', 'gridcode', '{"visits": "count(*)"}',
	bucket_column => 'visited_at', bucket_width => '1 month',
	lowest_level => 'grid', top_level => :'top_level', time_zone => :'time_zone', max_lag => '1 minute', scheme => :'scheme') \g /dev/null
