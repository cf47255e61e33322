-- The harness of the benchmarks: measure variants in turn, report medians and ratios.

CREATE TABLE bench_value (test text, variant text, value float8, unit text);

-- Run each variant's query once a round, in turn, so that whatever else the
-- machine does falls on all of them; before is run first, untimed. One round
-- goes unmeasured, to warm up, unless bench_plan has done that already.
CREATE PROCEDURE bench_time(test text, variants text[], queries text[], rounds int, before text[] DEFAULT NULL, warm boolean DEFAULT true)
LANGUAGE plpgsql AS $$
DECLARE started timestamptz;
BEGIN
	FOR round IN 1 - warm::int .. rounds LOOP
		FOR v IN 1 .. array_length(variants, 1) LOOP
			IF before[v] <> '' THEN EXECUTE before[v]; END IF;
			started := clock_timestamp();
			EXECUTE queries[v];
			IF round > 0 THEN
				INSERT INTO bench_value VALUES (test, variants[v], extract(epoch FROM clock_timestamp() - started) * 1000, 'ms');
			END IF;
			COMMIT;
		END LOOP;
	END LOOP;
END $$;

-- Keep the plan of each variant's query, with what it did.
CREATE TABLE bench_plan (n int GENERATED ALWAYS AS IDENTITY, test text, variant text, query text, plan text);
CREATE PROCEDURE bench_plan(test text, variants text[], queries text[], before text[] DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE line text; plan text;
BEGIN
	FOR v IN 1 .. array_length(variants, 1) LOOP
		IF before[v] <> '' THEN EXECUTE before[v]; END IF;
		plan := '';
		FOR line IN EXECUTE 'EXPLAIN (ANALYZE, BUFFERS) ' || queries[v] LOOP
			plan := plan || line || E'\n';
		END LOOP;
		INSERT INTO bench_plan (test, variant, query, plan) VALUES (test, variants[v], queries[v], plan);
		COMMIT;
	END LOOP;
END $$;

-- Those variants did so many things in that time: ms become ns each.
CREATE PROCEDURE bench_each(test text, variants text[], n float8) LANGUAGE sql AS $$
	UPDATE bench_value b SET value = value * 1e6 / n, unit = 'ns' WHERE b.test = bench_each.test AND variant = ANY (variants) AND unit = 'ms'
$$;

-- Note the size of a relation.
CREATE PROCEDURE bench_size(test text, variant text, relation regclass) LANGUAGE sql AS $$
	INSERT INTO bench_value VALUES (test, variant, pg_relation_size(relation) / 1048576.0, 'MB')
$$;

CREATE FUNCTION bench_median(test text, variant text) RETURNS float8 LANGUAGE sql AS $$
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY value) FROM bench_value b WHERE b.test = bench_median.test AND b.variant = bench_median.variant
$$;

-- The median of every variant.
CREATE FUNCTION bench_medians(test text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT test UNION ALL
	(SELECT format('    %s%s %s', rpad(variant, max(greatest(length(variant), 24)) OVER ()), lpad(to_char(value, 'FM999999990.00'), 11), unit)
		FROM (SELECT variant, unit, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS value
			FROM bench_value b WHERE b.test = bench_medians.test GROUP BY 1, 2) m
		ORDER BY value)
$$;

-- Subject beside peer: at most so many times as much (NULL: no target).
CREATE FUNCTION bench_ratio(test text, subject text, peer text, at_most float8) RETURNS text LANGUAGE sql AS $$
	SELECT format('    %s / %s = %s, ', subject, peer, to_char(r, 'FM999990.00')) ||
		CASE WHEN at_most IS NULL THEN 'no target'
			ELSE format('target at most %s: %s', to_char(at_most, 'FM990.00'), CASE WHEN round(r::numeric, 2) <= at_most::numeric THEN 'met' ELSE 'MISS' END) END
	FROM (SELECT bench_median(test, subject) / bench_median(test, peer) AS r) x
$$;

-- Peer beside subject: at least so many times as much.
CREATE FUNCTION bench_lead(test text, subject text, peer text, at_least float8) RETURNS text LANGUAGE sql AS $$
	SELECT format('    %s / %s = %s, ', peer, subject, to_char(r, 'FM999990.00')) ||
		CASE WHEN at_least IS NULL THEN 'no target'
			ELSE format('target at least %s: %s', to_char(at_least, 'FM990.00'), CASE WHEN round(r::numeric, 2) >= at_least::numeric THEN 'met' ELSE 'MISS' END) END
	FROM (SELECT bench_median(test, peer) / bench_median(test, subject) AS r) x
$$;

-- A variant by itself: at most so much.
CREATE FUNCTION bench_limit(test text, variant text, at_most float8) RETURNS text LANGUAGE sql AS $$
	SELECT format('    %s: target at most %s: %s', variant, to_char(at_most, 'FM999990.00'),
		CASE WHEN m IS NULL THEN 'not measured' WHEN m <= at_most THEN 'met' ELSE 'MISS' END)
	FROM (SELECT bench_median(test, variant) AS m) x
$$;

-- A variant by itself: at least so much.
CREATE FUNCTION bench_least(test text, variant text, at_least float8) RETURNS text LANGUAGE sql AS $$
	SELECT format('    %s: target at least %s: %s', variant, to_char(at_least, 'FM999990.00'),
		CASE WHEN m IS NULL THEN 'not measured' WHEN round(m::numeric, 2) >= at_least::numeric THEN 'met' ELSE 'MISS' END)
	FROM (SELECT bench_median(test, variant) AS m) x
$$;

-- How far the rounds of a variant are apart.
CREATE FUNCTION bench_spread(test text, variant text) RETURNS text LANGUAGE sql AS $$
	SELECT format('    %s: %s rounds from %s to %s, half of them from %s to %s', bench_spread.variant, count(*), to_char(min(value), 'FM999990.00'), to_char(max(value), 'FM999990.00'),
		to_char(percentile_cont(0.25) WITHIN GROUP (ORDER BY value), 'FM999990.00'), to_char(percentile_cont(0.75) WITHIN GROUP (ORDER BY value), 'FM999990.00'))
	FROM bench_value b WHERE b.test = bench_spread.test AND b.variant = bench_spread.variant
$$;

-- The medians, and one ratio.
CREATE FUNCTION bench_report(test text, subject text, peer text, at_most float8) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT bench_medians(test) UNION ALL SELECT bench_ratio(test, subject, peer, at_most)
$$;
