-- The harness of the benchmarks: measure variants in turn, report medians and ratios.

CREATE TABLE bench_value (test text, variant text, value float8, unit text);

-- Run each variant's query once a round, in turn, so that whatever else the
-- machine does falls on all of them; before is run first, untimed. One round
-- goes unmeasured, to warm up.
CREATE PROCEDURE bench_time(test text, variants text[], queries text[], rounds int, before text[] DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE started timestamptz;
BEGIN
	FOR round IN 0 .. rounds LOOP
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

-- Note the size of a relation.
CREATE PROCEDURE bench_size(test text, variant text, relation regclass) LANGUAGE sql AS $$
	INSERT INTO bench_value VALUES (test, variant, pg_relation_size(relation) / 1048576.0, 'MB')
$$;

-- The median of every variant, and subject beside peer: at most so many times as much (NULL: no target).
CREATE FUNCTION bench_report(test text, subject text, peer text, at_most float8) RETURNS SETOF text LANGUAGE sql AS $$
	WITH median AS (
		SELECT variant, unit, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS value, count(*) AS n
		FROM bench_value b WHERE b.test = bench_report.test GROUP BY 1, 2),
	ratio AS (SELECT s.value / p.value AS r FROM median s, median p WHERE s.variant = subject AND p.variant = peer)
	SELECT test UNION ALL
	(SELECT format('    %s%s %s', rpad(variant, 24), lpad(to_char(value, 'FM999999990.00'), 10), unit) FROM median ORDER BY value) UNION ALL
	SELECT format('    %s / %s = %s, ', subject, peer, to_char(r, 'FM990.00')) ||
		CASE WHEN at_most IS NULL THEN 'no target'
			ELSE format('target at most %s: %s', to_char(at_most, 'FM990.00'), CASE WHEN round(r::numeric, 2) <= at_most::numeric THEN 'met' ELSE 'MISS' END) END
	FROM ratio
$$;
