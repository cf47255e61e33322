-- PostGIS's ways to say in which area each point is, to find the best of them. After harness.sql.
--
-- A data set is a schema with the tables
--	area (code gridcode, geom), which is the layer of the schema's name,
--	point (id, geom), and sample (id, geom), some of those points, for what is slow.
-- The peers are let off lightly: they count pairs, and decide nothing about a
-- point that is on a shared border.

CREATE TABLE bench_peer (test text, variant text, query text, before text, driver text, split text, per float8);

-- The tables that the peers want, in the current schema. A join is driven by
-- the side that has no index: there is no other plan for it.
CREATE PROCEDURE bench_peer_tables(OUT index_ms float8) LANGUAGE plpgsql AS $$
DECLARE storage text; started timestamptz;
BEGIN
	CREATE TABLE area_plain AS TABLE area;
	CREATE TABLE area_external (LIKE area);
	ALTER TABLE area_external ALTER geom SET STORAGE EXTERNAL;
	INSERT INTO area_external SELECT code, ST_Translate(geom, 0, 0) FROM area;	-- made anew, or it stays compressed
	FOREACH storage IN ARRAY '{8,16,32,64,128,256}'::text[] LOOP
		EXECUTE format('CREATE TABLE area_split%s (LIKE area_external INCLUDING STORAGE)', storage);
		EXECUTE format('INSERT INTO area_split%s SELECT code, ST_Subdivide(CASE WHEN ST_IsValid(geom) THEN geom ELSE ST_MakeValid(geom) END, %1$s) FROM area', storage);
	END LOOP;
	FOREACH storage IN ARRAY '{plain,external,split8,split16,split32,split64,split128,split256}'::text[] LOOP
		EXECUTE format('CREATE TABLE area_%s_gist (LIKE area_%1$s INCLUDING STORAGE)', storage);
		EXECUTE format('INSERT INTO area_%s_gist TABLE area_%1$s', storage);
		EXECUTE format('CREATE INDEX ON area_%s_gist USING gist (geom)', storage);
		EXECUTE format('ALTER TABLE area_%s SET (parallel_workers = 2)', storage);
	END LOOP;

	-- geometry is ordered along a Hilbert curve
	CREATE TABLE point_gist AS TABLE point;
	CREATE TABLE point_clustered_gist AS SELECT * FROM point ORDER BY geom;
	CREATE TABLE sample_clustered AS SELECT * FROM sample ORDER BY geom;
	CREATE INDEX ON point_clustered_gist USING gist (geom);
	started := clock_timestamp();
	CREATE INDEX ON point_gist USING gist (geom);
	index_ms := extract(epoch FROM clock_timestamp() - started) * 1000;
	ALTER TABLE point SET (parallel_workers = 2);
END $$;

SET check_function_bodies = off;	-- for tables that come later

-- Every peer, its query in the current schema, named for reading.
CREATE PROCEDURE bench_peer_list(test text) LANGUAGE sql AS $$
	INSERT INTO bench_peer
	SELECT test, format('%s drive, %s, %s%s', driver, predicate, storage, CASE WHEN clustered THEN ', clustered points' ELSE '' END),
		format('SELECT count(*) FROM %s p JOIN %s a ON %s(a.geom, p.geom)',
			CASE driver WHEN 'polygons' THEN CASE WHEN clustered THEN 'point_clustered_gist' ELSE 'point_gist' END
				ELSE CASE WHEN clustered THEN 'sample_clustered' ELSE 'sample' END END,
			CASE driver WHEN 'polygons' THEN 'area_' || storage ELSE 'area_' || storage || '_gist' END, predicate),
		'', driver, storage, CASE driver WHEN 'polygons' THEN points ELSE samples END
	FROM unnest('{polygons,points}'::text[]) driver, unnest('{ST_Intersects,ST_Covers}'::text[]) predicate,
		unnest('{plain,external,split8,split16,split32,split64,split128,split256}'::text[]) storage, unnest('{f,t}'::boolean[]) clustered,
		(SELECT count(*) AS points FROM point) n, (SELECT count(*) AS samples FROM sample) s
	UNION ALL
	SELECT test, 'the rule itself for each point', $q$SELECT count((SELECT code FROM area_plain_gist a WHERE ST_Intersects(a.geom, p.geom)
		ORDER BY grid_digits(code) DESC, code LIMIT 1)) FROM sample p$q$, '', 'rule', 'plain', count(*) FROM sample
	UNION ALL
	SELECT test, 'distinct points first' || CASE storage WHEN 'plain' THEN '' ELSE ', ' || storage END, format(
		'WITH spot AS MATERIALIZED (SELECT DISTINCT geom FROM point), located AS MATERIALIZED (SELECT s.geom, a.code FROM spot s JOIN area_%s_gist a ON ST_Intersects(a.geom, s.geom)) '
		'SELECT count(code) FROM point JOIN located USING (geom)', storage),
		'SET LOCAL enable_mergejoin = off', 'distinct', storage, count
	FROM (SELECT count(*), count(DISTINCT geom) AS spots FROM point) n, unnest('{plain,split32}'::text[]) storage WHERE spots * 10 < count
$$;

-- One round of every peer.
CREATE PROCEDURE bench_peer_trial(test text) LANGUAGE plpgsql AS $$
DECLARE variants text[]; queries text[]; before text[]; n float8;
BEGIN
	CALL bench_peer_list(test);
	SELECT array_agg(variant), array_agg(query), array_agg(p.before) INTO variants, queries, before FROM bench_peer p WHERE p.test = bench_peer_trial.test;
	CALL bench_time(test, variants, queries, 1, before, warm => false);
	FOR variants, n IN SELECT array_agg(variant), per FROM bench_peer p WHERE p.test = bench_peer_trial.test GROUP BY per LOOP
		CALL bench_each(test, variants, n);
	END LOOP;
END $$;

-- The quickest one in the trial (or the next, with skip) of those that a driver
-- drives: any, or whole polygons and points as they are stored only.
CREATE FUNCTION bench_peer_best(test text, driver text, simple boolean, skip int) RETURNS bench_peer LANGUAGE sql AS $$
	SELECT p FROM bench_peer p JOIN bench_value v USING (test, variant)
	WHERE p.test = bench_peer_best.test AND p.driver = bench_peer_best.driver AND (NOT simple OR variant NOT LIKE '%split%' AND variant NOT LIKE '%clustered%')
	ORDER BY v.value OFFSET skip LIMIT 1
$$;

-- grid_locate beside the floors and the finalists of the trial, without workers and with two.
CREATE PROCEDURE bench_final(test text, trial text, layer text, rounds int) LANGUAGE plpgsql AS $$
DECLARE
	n float8 := (SELECT count(*) FROM point);
	off text := 'SET LOCAL max_parallel_workers_per_gather = 0';
	two text := 'SET LOCAL max_parallel_workers_per_gather = 2; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0';
	variants text[] := '{grid_locate,"grid_locate, clustered points","floor: sum(ST_X(geom))","floor: count(*)"}';
	queries text[] := ARRAY[format('SELECT count(grid_locate(%L, geom)) FROM point', layer),
		format('SELECT count(grid_locate(%L, geom)) FROM point_clustered_gist', layer), 'SELECT sum(ST_X(geom)) FROM point', 'SELECT count(*) FROM point'];
	before text[];
	peer bench_peer;
BEGIN
	variants := variants || ARRAY['grid_locate, 2 workers', 'floor: sum(ST_X(geom)), 2 workers'];
	queries := queries || queries[1] || queries[3];
	before := ARRAY[off, off, off, off, two, two];
	FOR peer IN
		SELECT (b).* FROM (SELECT bench_peer_best(trial, driver, simple, skip) AS b
			FROM (VALUES ('polygons', true, 0), ('polygons', false, 0), ('polygons', false, 1), ('points', true, 0), ('points', false, 0),
				('rule', true, 0), ('distinct', false, 0)) w(driver, simple, skip)) x
		WHERE (b).test IS NOT NULL
	LOOP
		CONTINUE WHEN peer.variant = ANY (variants);
		INSERT INTO bench_peer SELECT bench_final.test, peer.variant, peer.query, peer.before, peer.driver, peer.split, peer.per;
		variants := variants || peer.variant;
		queries := queries || peer.query;
		before := before || concat_ws('; ', off, nullif(peer.before, ''));
		IF peer.driver = 'polygons' THEN
			INSERT INTO bench_peer SELECT bench_final.test, peer.variant || ', 2 workers', peer.query, peer.before, peer.driver || ', 2 workers', peer.split, peer.per;
			variants := variants || (peer.variant || ', 2 workers');
			queries := queries || peer.query;
			before := before || two;
		END IF;
	END LOOP;
	CALL bench_plan(test, variants, queries, before);
	CALL bench_time(test, variants, queries, rounds, before, warm => false);
	-- the quick ones in more rounds, for as long as a slow one takes
	CALL bench_time(test, variants[1:6], queries[1:6], least(12, 5000 / bench_median(test, 'grid_locate'))::int, before, warm => false);
	FOR peer IN SELECT p.* FROM bench_peer p WHERE p.test = bench_final.test LOOP
		CALL bench_each(test, ARRAY[peer.variant], peer.per);
	END LOOP;
	CALL bench_each(test, variants, n);
END $$;

-- The quickest finalist of a driver, or of any (NULL), in one process; on clustered points, on others, or on any (NULL).
CREATE FUNCTION bench_final_best(test text, driver text, clustered boolean DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT variant FROM bench_peer p
	WHERE p.test = bench_final_best.test AND variant NOT LIKE '%2 workers' AND (bench_final_best.driver IS NULL OR p.driver = bench_final_best.driver)
		AND (bench_final_best.clustered IS NULL OR variant LIKE '%clustered%' = bench_final_best.clustered)
	ORDER BY bench_median(p.test, variant) LIMIT 1
$$;

CREATE FUNCTION bench_speedup(test text, variant text) RETURNS float8 LANGUAGE sql AS $$
	SELECT bench_median(test, variant) / bench_median(test, variant || ', 2 workers')
$$;

-- The result of bench_final: at most so many floors, at least so many times as fast as PostGIS.
CREATE FUNCTION bench_final_report(test text, at_most float8, at_least float8) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT bench_medians(test) UNION ALL
	SELECT bench_ratio(test, 'grid_locate', 'floor: sum(ST_X(geom))', at_most) UNION ALL
	SELECT bench_lead(test, 'grid_locate', bench_final_best(test, NULL), at_least) UNION ALL
	SELECT bench_lead(test, 'grid_locate, clustered points', best, at_least) FROM bench_final_best(test, NULL, true) AS best WHERE best IS NOT NULL UNION ALL
	SELECT bench_lead(test, 'grid_locate', variant, CASE WHEN driver = 'points' AND variant NOT LIKE '%split%' AND variant NOT LIKE '%clustered%' THEN 50 END)
		FROM bench_peer p WHERE p.test = bench_final_report.test AND variant NOT LIKE '%2 workers' UNION ALL
	SELECT format('    with 2 workers: grid_locate %s times as fast, the scan %s times, %s %s times', to_char(bench_speedup(test, 'grid_locate'), 'FM990.00'),
		to_char(bench_speedup(test, 'floor: sum(ST_X(geom))'), 'FM990.00'), best, to_char(bench_speedup(test, best), 'FM990.00'))
	FROM (SELECT bench_final_best(test, 'polygons') AS best) b
$$;
