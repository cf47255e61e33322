-- Maps of figures: map_svg for print and screens, map_geojson for the web. Replaced at every installation.
--
-- They run as the caller and read the views areas and figures only, so that a map shows nobody what he may not see.
-- A map is laid out in pixels, y upwards from its upper edge (all of it is below 0), as ST_AsSVG turns y round. Shapes lie flat:
-- degrees are scaled to metres where the middle of the map is, so that north is up and one length holds in all directions.
-- Nothing depends on settings or the order of rows: the same data give the same bytes on the same day.

-- What is drawn.

CREATE OR REPLACE FUNCTION map_tree(root text, lowest text)
RETURNS TABLE (code text, name text, level text, parent_code text, depth int, valid_from date, geom geometry)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH RECURSIVE inside AS (
		SELECT a.code, a.name, a.level, a.parent_code, 0 AS depth, a.valid_from, a.geom FROM areas a WHERE a.code = map_tree.root
		UNION ALL
		SELECT a.code, a.name, a.level, a.parent_code, i.depth + 1, a.valid_from, a.geom
		FROM inside i JOIN areas a ON a.parent_code = i.code AND a.kind = 'base' WHERE i.level IS DISTINCT FROM map_tree.lowest
	)
	SELECT i.code, i.name, i.level, i.parent_code, i.depth, i.valid_from, i.geom FROM inside i;
END;

CREATE OR REPLACE FUNCTION map_level(area text, level text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
	here record;
	levels text[] := '{}';
BEGIN
	IF NOT EXISTS (SELECT FROM areas a WHERE a.code = area) THEN
		RAISE EXCEPTION 'there is no area "%"', area USING ERRCODE = 'undefined_object', HINT = 'The view "areas" has the codes of all there are.';
	END IF;
	FOR here IN SELECT t.level, array_agg(t.code) AS codes, count(t.geom) AS drawn FROM map_tree(area, coalesce(map_level.level, 'grid')) t GROUP BY t.level ORDER BY max(t.depth) DESC LOOP
		levels := here.level || levels;
		CONTINUE WHEN here.level <> map_level.level OR level IS NULL AND here.drawn = 0;
		IF here.drawn = 0 THEN
			RAISE EXCEPTION 'no area of level "%" in area "%" has a boundary', level, area USING ERRCODE = 'undefined_object',
				HINT = 'Draw them with boundary_draw, and publish the boundary version.';
		ELSIF EXISTS (SELECT FROM figures f WHERE f.code = ANY (here.codes)) THEN
			RETURN here.level;
		ELSIF level IS NOT NULL THEN
			RAISE EXCEPTION 'you see no figures of level "%" in area "%"', level, area USING ERRCODE = 'insufficient_privilege',
				HINT = 'Figures of grids are seen by roles whose posts reach them; leave the level out for the lowest that you see.';
		END IF;
	END LOOP;
	IF level IS NOT NULL THEN
		RAISE EXCEPTION 'there is no area of level "%" in area "%"', level, area USING ERRCODE = 'undefined_object',
			HINT = format('There are areas of: %s.', array_to_string(levels, ', '));
	END IF;
	RAISE EXCEPTION 'there is nothing in area "%" to draw', area USING ERRCODE = 'undefined_object',
		HINT = 'No area there has a boundary and figures that you see.';
END $$;

CREATE OR REPLACE FUNCTION map_columns() RETURNS TABLE (name text, number boolean)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT a.attname::text, a.atttypid IN ('smallint'::regtype, 'int'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'real'::regtype, 'float8'::regtype)
	FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'figures'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;
END;

CREATE OR REPLACE FUNCTION map_values(codes text[], figure text) RETURNS TABLE (code text, value numeric)
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
	number boolean := (SELECT c.number FROM map_columns() c WHERE c.name = figure);
BEGIN
	IF number IS NOT TRUE THEN
		RAISE EXCEPTION USING ERRCODE = CASE WHEN number IS NULL THEN 'undefined_column' ELSE 'datatype_mismatch' END,
			MESSAGE = format(CASE WHEN number IS NULL THEN 'there is no figure "%s"' ELSE '"%s" is not a number' END, figure),
			HINT = format('Figures are: %s.', (SELECT string_agg(c.name, ', ') FROM map_columns() c WHERE c.number));
	END IF;
	RETURN QUERY SELECT f.code, v.value
		FROM figures f CROSS JOIN LATERAL (SELECT (to_jsonb(f) ->> figure)::numeric AS value) v
		WHERE f.code = ANY (codes) AND v.value NOT IN ('NaN', 'Infinity', '-Infinity');
END $$;

-- Lower borders of the classes but the first. As many classes as values where there are no more than five; else quantiles,
-- rounded to the roundest step (1, 2 or 5 times a power of ten) that leaves no class empty.
CREATE OR REPLACE FUNCTION map_borders(amounts numeric[]) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
	each_once numeric[] := ARRAY(SELECT DISTINCT v FROM unnest(amounts) v ORDER BY v);
	quantiles numeric[];
	rounded numeric[];
	step numeric;
	span numeric;
BEGIN
	IF cardinality(each_once) <= 5 THEN
		RETURN each_once[2:];
	END IF;
	quantiles := map_quantiles(amounts);
	IF cardinality(quantiles) < 2 THEN	-- most of them are the same
		quantiles := map_quantiles(each_once);
	END IF;
	span := coalesce(nullif(quantiles[cardinality(quantiles)] - quantiles[1], 0), each_once[cardinality(each_once)] - each_once[1]);
	FOR step IN SELECT m * 10::numeric ^ (floor(log(span))::int - e) FROM unnest(ARRAY[5, 2, 1]) m, generate_series(0, 4) e ORDER BY 1 DESC LOOP
		CONTINUE WHEN step > span / 8;
		rounded := ARRAY(SELECT DISTINCT round(q / step) * step FROM unnest(quantiles) q ORDER BY 1);
		IF (SELECT count(DISTINCT width_bucket(v, rounded)) FROM unnest(each_once) v) = cardinality(quantiles) + 1 THEN
			RETURN rounded;
		END IF;
	END LOOP;
	RETURN quantiles;
END $$;

CREATE OR REPLACE FUNCTION map_quantiles(amounts numeric[]) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	-- each is one of the values, so no class is empty
	SELECT ARRAY(SELECT DISTINCT q.border FROM (
			SELECT unnest(percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY v)) AS border, min(v) AS least FROM unnest(map_quantiles.amounts) v) q
		WHERE q.border > q.least ORDER BY q.border);
END;

-- Words. Figures and levels have the names that comments of their columns have.

CREATE OR REPLACE FUNCTION map_word(word text, language text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce((SELECT CASE map_word.language WHEN 'zh' THEN w.zh ELSE w.en END FROM (VALUES
		('title', '%1$s: %2$s, by %3$s', '%1$s各%3$s%2$s'), ('title of one', '%1$s: %2$s', '%1$s%2$s'), ('figure', '%s, %s', '%s（%s）'), ('unit', '(%s)', '（%s）'),
		('under', 'under %s', '不足 %s'), ('between', '%s to under %s', '%s 至不足 %s'), ('over', '%s and more', '%s 及以上'),
		('no data', 'no data', '无数据'), ('border', 'border: %s', '%s边界'), ('figures of', 'Figures of %s', '数据截至 %s'), ('boundaries of', 'Boundaries of %s', '边界生效日期：%s'), ('north', 'N', '北'), ('m', '%s m', '%s 米'), ('km', '%s km', '%s 公里'),
		('province', 'province', '省'), ('city', 'city', '市'), ('district', 'district', '区（县）'), ('street', 'street', '街道（镇）'),
		('community', 'community', '社区（村）'), ('grid', 'grid', '网格'),
		('districts', 'districts', '区（县）数'), ('streets', 'streets', '街道（镇）数'), ('communitys', 'communities', '社区（村）数'), ('grids', 'grids', '网格数')) w (word, en, zh)
		WHERE w.word = map_word.word), map_word.word);
END;

CREATE OR REPLACE FUNCTION map_figure(figure text, language text, OUT name text, OUT unit text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce(max(CASE map_figure.language WHEN 'zh' THEN w.zh ELSE w.en END), replace(map_figure.figure, '_', ' ')),
		coalesce(max(CASE map_figure.language WHEN 'zh' THEN w.zh_unit ELSE w.en_unit END), CASE map_figure.language WHEN 'zh' THEN '数值' ELSE 'value' END)
	FROM (VALUES
		('households', 'households', 'number', '户数', '户'), ('residents', 'residents', 'number', '人数', '人'),
		('grids', 'grids', 'number', '网格数', '个'), ('officers', 'grid officers', 'number', '网格员人数', '人'), ('branches', 'grid branches', 'number', '网格支部数', '个'),
		('events_filed', 'cases reported', 'number', '累计立案数', '件'), ('events_open', 'open cases', 'number', '未结案数', '件'),
		('events_closed', 'closed cases', 'number', '结案数', '件'), ('events_due', 'cases due', 'number', '应结案数', '件'),
		('events_on_time', 'cases closed on time', 'number', '按期结案数', '件'), ('on_time_percent', 'closed on time', '% of cases due', '按期结案率', '%'),
		('events_reworked', 'reopened cases', 'number', '返工案件数', '件'), ('events_extended', 'extended cases', 'number', '延期案件数', '件'),
		('mean_hours_to_close', 'mean time to close a case', 'hours', '平均结案用时', '小时')) w (figure, en, en_unit, zh, zh_unit)
	WHERE w.figure = map_figure.figure;
END;

CREATE OR REPLACE FUNCTION map_xml(content text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	-- characters that XML has no way to write are left out
	SELECT replace(replace(replace(replace(replace(regexp_replace(regexp_replace(map_xml.content, '\s+', ' ', 'g'), '[\u0001-\u001f\u007f-\u009f\ufffe\uffff]', '', 'g'),
		'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&apos;');
END;

-- Width in ems, rather too wide than too narrow, as nobody knows the font: 1 for Chinese, 0.64 for digits and small letters.
CREATE OR REPLACE FUNCTION map_ems(content text) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT length(map_ems.content) * 0.64 + length(regexp_replace(map_ems.content, '[\u0001-\u10ff]', '', 'g')) * 0.36
		+ length(regexp_replace(map_ems.content, '[^A-Zmw%@]', '', 'g')) * 0.3;
END;

CREATE OR REPLACE FUNCTION map_wrap(content text, ems float8) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
	lines text[] := '{}';
	line text := '';
	word text;
BEGIN
	-- a word, or a Chinese character with the marks that must not begin a line
	FOR word IN SELECT m[1] FROM regexp_matches(regexp_replace(content, '\s+', ' ', 'g'), '([\u1100-\uffef][，。；：、）」》！？]*|[^\u1100-\uffef ]+ ?| )', 'g') m LOOP
		WHILE map_ems(rtrim(word)) > ems LOOP	-- longer than a line
			lines := lines || array_remove(ARRAY[nullif(rtrim(line), '')], NULL) || left(word, greatest(1, floor(ems)::int));
			word := substr(word, greatest(1, floor(ems)::int) + 1);
			line := '';
		END LOOP;
		IF line <> '' AND map_ems(rtrim(line || word)) > ems THEN
			lines := lines || rtrim(line);
			line := '';
		END IF;
		line := line || word;
	END LOOP;
	RETURN lines || array_remove(ARRAY[nullif(rtrim(line), '')], NULL);
END $$;

-- A name without the word for the office, at most so many ems wide.
CREATE OR REPLACE FUNCTION map_short_name(name text, ems float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN map_ems(s.name) <= map_short_name.ems THEN s.name
		ELSE (SELECT rtrim(left(s.name, max(n))) || '…' FROM generate_series(1, length(s.name)) n WHERE map_ems(left(s.name, n)) <= map_short_name.ems - 1) END
	FROM (SELECT regexp_replace(map_short_name.name, '(居民?|(?<=村)民?)委员?会$', '')) s (name);
END;

-- What tells an area from its siblings: the end of its code.
CREATE OR REPLACE FUNCTION map_number(code text, parent_code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce(nullif(ltrim(substr(map_number.code, coalesce(length(map_number.parent_code), 0) + 1), '0'), ''), map_number.code);
END;

-- Colours.

-- From light to dark through yellow, green and blue: in order for every kind of colour blindness, and in grey. Where there is one
-- class, nothing is more than anything else: it is the lightest, as often all are 0, and a colour from the middle would say average.
CREATE OR REPLACE FUNCTION map_colours(classes int) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT (CASE map_colours.classes WHEN 1 THEN '{#fbf2c0}' WHEN 2 THEN '{#fbf2c0,#3f9cb8}' WHEN 3 THEN '{#fbf2c0,#7cc4ae,#24527f}'
		WHEN 4 THEN '{#fbf2c0,#c3e0a3,#3f9cb8,#24527f}' ELSE '{#fbf2c0,#c3e0a3,#7cc4ae,#3f9cb8,#24527f}' END)::text[];
END;

-- Relative luminance as WCAG 2 has it: of linear light, 0.2126 red, 0.7152 green and 0.0722 blue.
CREATE OR REPLACE FUNCTION map_luminance(colour text) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT sum(weight * CASE WHEN part <= 0.04045 THEN part / 12.92 ELSE ((part + 0.055) / 1.055) ^ 2.4 END)
	FROM (SELECT get_byte(decode(substr(map_luminance.colour, 2), 'hex'), n) / 255.0::float8 AS part, (ARRAY[0.2126, 0.7152, 0.0722])[n + 1] AS weight FROM generate_series(0, 2) n) p;
END;

-- Dark or white text, whichever has the higher contrast: (lighter + 0.05) / (darker + 0.05). For map_colours it is 4.5 and more.
CREATE OR REPLACE FUNCTION map_ink(fill text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN (map_luminance(map_ink.fill) + 0.05) ^ 2 >= 1.05 * (map_luminance('#14202a') + 0.05) THEN '#14202a' ELSE '#ffffff' END;
END;

-- Where things go.

CREATE OR REPLACE FUNCTION map_frame(extent geometry, OUT lon float8, OUT lat float8, OUT metres_lon float8, OUT metres_lat float8)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT m.lon, m.lat,
		ST_Distance(ST_MakePoint(m.lon - 0.005, m.lat)::geography, ST_MakePoint(m.lon + 0.005, m.lat)::geography) / 0.01,
		ST_Distance(ST_MakePoint(m.lon, m.lat - 0.005)::geography, ST_MakePoint(m.lon, m.lat + 0.005)::geography) / 0.01
	FROM (SELECT (ST_XMin(map_frame.extent) + ST_XMax(map_frame.extent)) / 2 AS lon, (ST_YMin(map_frame.extent) + ST_YMax(map_frame.extent)) / 2 AS lat) m;
END;

-- The middle of the widest part.
CREATE OR REPLACE FUNCTION map_middle(shape geometry) RETURNS geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	-- a thread would keep the search for the circle busy
	SELECT CASE WHEN 2 * ST_Area(map_middle.shape) < 0.2 * ST_Perimeter(map_middle.shape) THEN ST_PointOnSurface(map_middle.shape)
		ELSE (ST_MaximumInscribedCircle(map_middle.shape)).center END;
END;

CREATE OR REPLACE FUNCTION map_box(center geometry, width float8, height float8) RETURNS geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT ST_MakeEnvelope(ST_X(center) - width / 2, ST_Y(center) - height / 2, ST_X(center) + width / 2, ST_Y(center) + height / 2);
END;

-- Where the middle of a box may be so that all of the box is in the shape: where no edge of the shape comes into the box.
CREATE OR REPLACE FUNCTION map_room(shape geometry, width float8, height float8) RETURNS geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT ST_CollectionExtract(ST_Difference(map_room.shape, ST_Union(ST_ConvexHull(ST_Collect(map_box(ST_StartPoint(s.geom), map_room.width, map_room.height),
		map_box(ST_EndPoint(s.geom), map_room.width, map_room.height))))), 3)
	FROM ST_DumpSegments(ST_Boundary(map_room.shape)) s;
END;

-- The inner part of the widest part, or the middle.
CREATE OR REPLACE FUNCTION map_core(shape geometry) RETURNS geometry
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN ST_IsEmpty(c.core) THEN map_middle(map_core.shape) ELSE c.core END
	FROM (SELECT ST_Buffer(map_core.shape, -0.6 * ST_Distance(map_middle(map_core.shape), ST_Boundary(map_core.shape))) AS core OFFSET 0) c;
END;

-- The best such place, or NULL: far from edges, and then as near as can be to the middle of all such places.
CREATE OR REPLACE FUNCTION map_spot(shape geometry, width float8, height float8) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
	room geometry;
	spot geometry;
BEGIN
	IF ST_XMax(shape) - ST_XMin(shape) < width OR ST_YMax(shape) - ST_YMin(shape) < height OR ST_Area(shape) < width * height THEN
		RETURN NULL;
	END IF;
	room := map_room(shape, width, height);
	IF ST_IsEmpty(room) THEN
		RETURN NULL;
	END IF;
	spot := ST_ClosestPoint(map_core(room), ST_Centroid(room));
	RETURN CASE WHEN ST_Covers(shape, map_box(spot, width, height)) THEN spot END;
END $$;

-- What of a shape is so far from what is there.
CREATE OR REPLACE FUNCTION map_free(shape geometry, taken geometry, distance float8) RETURNS geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN ST_DWithin(map_free.shape, map_free.taken, map_free.distance) THEN ST_CollectionExtract(ST_Difference(map_free.shape, ST_Buffer(map_free.taken, map_free.distance)), 3)
		ELSE map_free.shape END;
END;

-- The first way to write a name and a figure that fits in a shape beside what is there: large before small, in two lines before one.
CREATE OR REPLACE FUNCTION map_place(name text, note text, shape geometry, taken geometry, OUT size int, OUT lines text[], OUT box geometry)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
	free geometry := map_free(shape, taken, 0);
	width float8;
	height float8;
BEGIN
	FOREACH size IN ARRAY ARRAY[13, 11, 10] LOOP
		FOR lines IN SELECT ARRAY[name, note] WHERE note IS NOT NULL UNION ALL SELECT ARRAY[concat_ws(': ', name, note)] LOOP
			width := size * (SELECT max(map_ems(l)) FROM unnest(lines) l) + 7;
			height := size * 1.15 * cardinality(lines) + 4;
			box := map_box(map_spot(free, width, height), width, height);
			IF box IS NOT NULL THEN
				RETURN;
			END IF;
		END LOOP;
	END LOOP;
END $$;

-- What it is written as.

CREATE OR REPLACE FUNCTION map_text(x float8, y float8, size int, anchor text, ink text, content text, weight text DEFAULT 'normal') RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT format(E'<text x="%s" y="%s" font-size="%s" text-anchor="%s" fill="%s"%s>%s</text>\n', round(map_text.x::numeric, 1), round(-map_text.y::numeric, 1), map_text.size, map_text.anchor, map_text.ink,
		CASE WHEN map_text.weight <> 'normal' THEN format(' font-weight="%s"', map_text.weight) END, map_xml(map_text.content));
END;

CREATE OR REPLACE FUNCTION map_rectangle(x float8, y float8, width float8, height float8, attributes text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT format(E'<rect x="%s" y="%s" width="%s" height="%s" %s/>\n', round(map_rectangle.x::numeric, 1), round(-map_rectangle.y::numeric, 1), round(map_rectangle.width::numeric, 1),
		round(map_rectangle.height::numeric, 1), map_rectangle.attributes);
END;

CREATE OR REPLACE FUNCTION map_label(lines text[], size int, box geometry, ink text, plate boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	-- digits and Chinese characters reach 0.36 em below the middle of their line
	SELECT concat(CASE WHEN map_label.plate THEN map_rectangle(ST_XMin(box), ST_YMax(box), ST_XMax(box) - ST_XMin(box), ST_YMax(box) - ST_YMin(box),
			'rx="3" fill="#ffffff" stroke="#6b7782" stroke-width="0.6"') END,
		string_agg(map_text((ST_XMin(box) + ST_XMax(box)) / 2, (ST_YMin(box) + ST_YMax(box)) / 2 - map_label.size * (1.15 * (l.nth - 0.5 - cardinality(map_label.lines) / 2.0) + 0.36),
			map_label.size, 'middle', CASE WHEN map_label.plate THEN map_ink('#ffffff') ELSE map_label.ink END, l.line), '' ORDER BY l.nth))
	FROM unnest(map_label.lines) WITH ORDINALITY l (line, nth) WHERE map_label.box IS NOT NULL HAVING count(*) > 0;
END;

CREATE OR REPLACE FUNCTION map_path(shape geometry, attributes text, content text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT format(CASE WHEN map_path.content IS NULL THEN E'<path %s d="%s"/>\n' ELSE E'<path %s d="%s"><title>%s</title></path>\n' END,
		map_path.attributes, ST_AsSVG(map_path.shape, 0, 1), map_xml(map_path.content));
END;

CREATE OR REPLACE FUNCTION map_leader(line geometry) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	-- on a white edge, for dark ground
	SELECT map_path(map_leader.line, 'fill="none" stroke="#ffffff" stroke-width="2.6"') || map_path(map_leader.line, 'class="leader" fill="none" stroke="#14202a" stroke-width="0.9"')
		|| format(E'<circle cx="%s" cy="%s" r="2.4" fill="#14202a" stroke="#ffffff" stroke-width="0.8"/>\n', round(ST_X(ST_EndPoint(map_leader.line))::numeric, 1), round(-ST_Y(ST_EndPoint(map_leader.line))::numeric, 1));
END;

-- The areas of a level and those around them, lying flat in metres. One around them that has no boundary is all that it holds.
CREATE OR REPLACE FUNCTION map_ground(area text, level text)
RETURNS TABLE (code text, name text, area_level text, parent_code text, parent_of_parent text, depth int, valid_from date, shape geometry)
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
	f record;
	extent geometry;
	zone int;
BEGIN
	SELECT ST_SetSRID(ST_Extent(t.geom), 0), max(ST_SRID(t.geom)) INTO extent, zone FROM map_tree(area, level) t;
	IF zone = 0 THEN
		RAISE EXCEPTION 'the boundaries have no spatial reference system' USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'A map has to know where on Earth they are: install the register with its SRID.';
	END IF;
	f := map_frame(ST_Transform(ST_SetSRID(extent, zone), 4326));
	RETURN QUERY
		WITH flat AS (
			SELECT t.*, ST_Affine(ST_SetSRID(ST_Transform(t.geom, 4326), 0), f.metres_lon, 0, 0, f.metres_lat, -f.lon * f.metres_lon, -f.lat * f.metres_lat) AS ground,
				max(t.depth) OVER () AS lowest
			FROM map_tree(area, level) t
		)
		SELECT a.code, a.name, a.level, a.parent_code, (SELECT p.parent_code FROM flat p WHERE p.code = a.parent_code), a.depth, a.valid_from, CASE WHEN a.depth = a.lowest OR a.ground IS NOT NULL THEN a.ground
			ELSE (SELECT ST_Union(b.ground) FROM flat b WHERE starts_with(b.code, a.code)) END
		FROM flat a ORDER BY a.code;
END $$;

-- What of the areas around no area of the level covers, as where some are still to be drawn; but for what is so narrow that a border
-- hides it.
CREATE OR REPLACE FUNCTION map_gaps(around geometry[], shapes geometry[], narrow float8) RETURNS geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ST_Collect(g.geom ORDER BY g.path) FROM ST_Dump(ST_CollectionExtract(ST_Difference(ST_Union(map_gaps.around), ST_Union(map_gaps.shapes)), 3)) g
	WHERE NOT ST_IsEmpty(ST_Buffer(g.geom, -map_gaps.narrow / 2));
END;

-- Names as short as labels have to be; of grids, which have hardly names, the number, after that of the area around it where there
-- are several.
CREATE OR REPLACE FUNCTION map_names(names text[], codes text[], parents text[], grandparents text[], numbered boolean) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT array_agg(CASE WHEN NOT map_names.numbered THEN map_short_name(a.name, 12)
		ELSE concat(CASE WHEN s.several THEN map_number(a.parent, a.grandparent) || '-' END, map_number(a.code, a.parent)) END ORDER BY a.nth)
	FROM unnest(map_names.names, map_names.codes, map_names.parents, map_names.grandparents) WITH ORDINALITY a (name, code, parent, grandparent, nth),
		(SELECT count(DISTINCT p) > 1 AS several FROM unnest(map_names.parents) p) s;
END;

-- What each class is called. Where every class is one value, by that.
CREATE OR REPLACE FUNCTION map_class_names(amounts numeric[], borders numeric[], language text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT array_agg(CASE WHEN e.each_once = cardinality(map_class_names.borders) + 1 THEN c.least::text
		WHEN c.class = 0 THEN format(map_word('under', map_class_names.language), trim_scale(borders[1]))
		WHEN c.class = cardinality(borders) THEN format(map_word('over', map_class_names.language), trim_scale(borders[c.class]))
		ELSE format(map_word('between', map_class_names.language), trim_scale(borders[c.class]), trim_scale(borders[c.class + 1])) END ORDER BY c.class)
	FROM (SELECT width_bucket(v, map_class_names.borders) AS class, min(v) AS least FROM unnest(map_class_names.amounts) v WHERE v IS NOT NULL GROUP BY 1) c,
		(SELECT count(DISTINCT v) AS each_once FROM unnest(map_class_names.amounts) v) e;
END;

-- Beside the map, one row below the other: a mark (colour, width of a line or number), words, and a number at the right.
CREATE OR REPLACE FUNCTION map_row(x float8, y float8, width float8, kind text, mark text, words text, number text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat(
		CASE map_row.kind WHEN 'class' THEN map_rectangle(map_row.x, map_row.y, 26, 15, format('class="key" fill="%s" stroke="#6b7782" stroke-width="0.5"', map_row.mark))
				|| CASE WHEN map_row.mark = '#d4d4d4' THEN map_rectangle(map_row.x, map_row.y, 26, 15, 'fill="url(#hatch)"') ELSE '' END
			WHEN 'border' THEN map_path(ST_MakeLine(ST_MakePoint(map_row.x, map_row.y - 7.5), ST_MakePoint(map_row.x + 26, map_row.y - 7.5)), format('fill="none" stroke="#14202a" stroke-width="%s"', map_row.mark))
			WHEN 'number' THEN map_text(map_row.x + 26, map_row.y - 12, 12, 'end', '#14202a', map_row.mark) END,
		CASE WHEN map_row.words IS NOT NULL THEN map_text(map_row.x + CASE WHEN map_row.kind IN ('class', 'border', 'number') THEN 34 ELSE 0 END, map_row.y - 12, 12, 'start', '#14202a',
			map_row.words, CASE WHEN map_row.kind = 'head' THEN 'bold' ELSE 'normal' END) END,
		CASE WHEN map_row.number IS NOT NULL THEN map_text(map_row.x + map_row.width, map_row.y - 12, 12, 'end', '#14202a', map_row.number) END);
END;

-- North arrow, scale bar and dates. The bar is of the longest round length that is no longer than it is wide.
CREATE OR REPLACE FUNCTION map_foot(x float8, y float8, width float8, pixels_per_metre float8, day date, valid_from date, language text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT concat(
		map_text(map_foot.x + 9, map_foot.y - 12, 13, 'middle', '#14202a', map_word('north', map_foot.language), 'bold'),
		format(E'<path class="north" fill="#14202a" d="M%s %sl8 26 -8 -6 -8 6z"/>\n', round((map_foot.x + 9)::numeric, 1), round(17 - map_foot.y::numeric, 1)),
		format(E'<path class="scale" fill="none" stroke="#14202a" stroke-width="1.4" d="M%s %sv6h%sv-6"/>\n', round(map_foot.x::numeric, 1), round(72 - map_foot.y::numeric, 1), round((b.metres * map_foot.pixels_per_metre)::numeric, 2)),
		map_text(map_foot.x + b.metres * map_foot.pixels_per_metre / 2, map_foot.y - 68, 12, 'middle', '#14202a',
			CASE WHEN b.metres < 1000 THEN format(map_word('m', map_foot.language), trim_scale(b.metres)) ELSE format(map_word('km', map_foot.language), trim_scale(b.metres / 1000)) END),
		map_text(map_foot.x, map_foot.y - 100, 12, 'start', '#14202a', format(map_word('figures of', map_foot.language), to_char(map_foot.day, 'YYYY-MM-DD'))),
		map_text(map_foot.x, map_foot.y - 118, 12, 'start', '#14202a', format(map_word('boundaries of', map_foot.language), to_char(map_foot.valid_from, 'YYYY-MM-DD'))))
	FROM (SELECT max(m * 10::numeric ^ e) AS metres FROM unnest(ARRAY[1, 2, 5]) m, generate_series(-2, 7) e WHERE m * 10::float8 ^ e <= 0.75 * map_foot.width / map_foot.pixels_per_metre) b;
END;

-- Where the map goes on the sheet: beside it the key, and on both sides columns for labels; how many pixels a metre has.
CREATE OR REPLACE FUNCTION map_fit(extent geometry, width float8, key_width float8, column_width float8, top float8,
	OUT scale float8, OUT dx float8, OUT dy float8, OUT bottom float8, OUT sheet geometry)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT s.scale, s.middle - s.scale * (ST_XMin(extent) + ST_XMax(extent)) / 2, top - s.scale * ST_YMax(extent),
		top - s.scale * (ST_YMax(extent) - ST_YMin(extent)),
		ST_MakeEnvelope(20, top - s.scale * (ST_YMax(extent) - ST_YMin(extent)), map_fit.width - 40 - key_width, top)
	FROM (SELECT least(room / (ST_XMax(extent) - ST_XMin(extent)), map_fit.width / (ST_YMax(extent) - ST_YMin(extent))) AS scale, 20 + column_width + room / 2 AS middle
		FROM (SELECT nullif(greatest(map_fit.width - 64 - key_width - 2 * column_width, 120), 120) AS room) r) s;
END;

-- Borders are the stronger the higher the level, counted from the highest around the areas drawn.
CREATE OR REPLACE FUNCTION map_stroke(below int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT (ARRAY[2.2, 1.4, 0.8])[least(map_stroke.below, 3)]::text;
END;

-- Rows of the key: the figure, its classes and how many areas each has, the borders, and names for what labels say by number. Where
-- no data means gaps only, there are no areas to count.
CREATE OR REPLACE FUNCTION map_key(figure text, level text, amounts numeric[], borders numeric[], higher_levels text[],
	parents text[], grandparents text[], higher_codes text[], higher_names text[], numbered boolean, gaps boolean, language text) RETURNS TABLE (kind text, mark text, words text, number text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT k.kind, k.mark, k.words, k.number FROM (
		SELECT 1 AS part, w.nth, NULL::text AS code, 'head' AS kind, NULL::text AS mark, w.line AS words, NULL::text AS number
		FROM map_figure(map_key.figure, map_key.language) f, unnest(map_wrap(upper(left(f.name, 1)) || substr(f.name, 2), 16)) WITH ORDINALITY w (line, nth)
		UNION ALL
		SELECT 2, 0, NULL, 'unit', NULL, format(map_word('unit', map_key.language), f.unit), map_word(map_key.level || 's', map_key.language) FROM map_figure(map_key.figure, map_key.language) f
		UNION ALL
		SELECT 3, c.class, NULL, 'class', (map_colours(cardinality(map_key.borders) + 1))[c.class + 1],
			(map_class_names(map_key.amounts, map_key.borders, map_key.language))[c.class + 1], c.number::text
		FROM (SELECT width_bucket(v, map_key.borders) AS class, count(*) AS number FROM unnest(map_key.amounts) v WHERE v IS NOT NULL GROUP BY 1) c
		UNION ALL
		SELECT 4, 0, NULL, 'class', '#d4d4d4', map_word('no data', map_key.language), nullif(count(*), 0)::text FROM unnest(map_key.amounts) v WHERE v IS NULL HAVING count(*) > 0 OR map_key.gaps
		UNION ALL
		SELECT 5, 0, NULL, 'gap', NULL, NULL, NULL WHERE cardinality(map_key.higher_levels) > 0
		UNION ALL
		SELECT 6, h.nth, NULL, 'border', map_stroke(cardinality(map_key.higher_levels) - h.nth::int + 1), format(map_word('border', map_key.language), map_word(h.level, map_key.language)), NULL
		FROM unnest(map_key.higher_levels) WITH ORDINALITY h (level, nth)
		UNION ALL
		SELECT 7, n.nth, n.parent, n.kind, n.number, n.words, NULL
		FROM (
			SELECT 'number' AS kind, map_number(p.parent, p.grandparent) AS number, map_short_name(p.name, 12) AS words, p.parent, 2 AS nth
			FROM (SELECT DISTINCT a.parent, a.grandparent, h.name FROM unnest(map_key.parents, map_key.grandparents) a (parent, grandparent)
				JOIN unnest(map_key.higher_codes, map_key.higher_names) h (code, name) ON h.code = a.parent) p
			UNION ALL
			SELECT 'numbers', NULL, w.words, NULL, w.nth - 1 FROM unnest(ARRAY[NULL, map_word(map_key.higher_levels[1], map_key.language)]) WITH ORDINALITY w (words, nth)) n
		WHERE map_key.numbered AND (SELECT count(DISTINCT q) > 1 FROM unnest(map_key.parents) q)) k
	ORDER BY k.part, k.nth, k.code;
END;

CREATE OR REPLACE FUNCTION map_title(name text, figure text, level text, one boolean, language text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT format(map_word(CASE WHEN map_title.one THEN 'title of one' ELSE 'title' END, map_title.language), map_title.name,
		CASE WHEN f.unit IN ('number', '户', '人', '个', '件', '') THEN f.name ELSE format(map_word('figure', map_title.language), f.name, f.unit) END,
		map_word(map_title.level, map_title.language))
	FROM map_figure(map_title.figure, map_title.language) f;
END;

-- Numbers as they are written, classed as they are written.
CREATE OR REPLACE FUNCTION map_rounded(amounts numeric[]) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT array_agg(round(v.value, p.places) ORDER BY v.nth)
	FROM unnest(map_rounded.amounts) WITH ORDINALITY v (value, nth),
		(SELECT CASE WHEN bool_and(w = trunc(w)) THEN 0 WHEN max(w) - min(w) BETWEEN 0.001 AND 1 THEN 3 ELSE 1 END AS places FROM unnest(map_rounded.amounts) w) p;
END;

CREATE OR REPLACE FUNCTION map_pixels(shapes geometry[], scale float8, dx float8, dy float8) RETURNS geometry[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT array_agg(ST_Affine(s.shape, map_pixels.scale, 0, 0, map_pixels.scale, map_pixels.dx, map_pixels.dy) ORDER BY s.nth)
	FROM unnest(map_pixels.shapes) WITH ORDINALITY s (shape, nth);
END;

-- Places for labels so wide beside the map: all along the shapes, and along the edges of the sheet.
CREATE OR REPLACE FUNCTION map_white(shapes geometry[], sheet geometry, width float8) RETURNS geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ST_Segmentize(ST_Boundary(map_room(ST_Difference(map_white.sheet, ST_Buffer(ST_Union(map_white.shapes), 6)), map_white.width, 16)), 12);
END;

-- Of such places the nearest from which a line into the core of the shape is clear of what is there beside the map, and of the
-- labels in it, if possible: those can make way, but passing through one is as bad as a detour of so many pixels.
CREATE OR REPLACE FUNCTION map_beside(label text, shape geometry, places geometry, beside geometry[], inside geometry[], detour float8, OUT box geometry, OUT leader geometry)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT p.box, p.leader
	FROM (
		SELECT l.box, l.leader, ST_Expand(l.box, 3) AS box_reach, ST_Expand(l.leader, 3) AS leader_reach, l.path
		FROM (SELECT b.box, ST_ShortestLine(b.box, m.anchor) AS leader, d.path
			FROM (SELECT map_core(map_beside.shape) AS anchor, 12 * map_ems(map_beside.label) + 6 AS width OFFSET 0) m, ST_DumpPoints(map_beside.places) d
				CROSS JOIN LATERAL (SELECT map_box(d.geom, m.width, 16) AS box OFFSET 0) b OFFSET 0) l OFFSET 0) p
	WHERE NOT EXISTS (SELECT FROM unnest(map_beside.beside) o WHERE o && p.leader_reach AND ST_DWithin(o, p.leader, 3) OR o && p.box_reach AND ST_DWithin(o, p.box, 3))
	ORDER BY ST_Length(p.leader) + map_beside.detour * (SELECT count(*) FROM unnest(map_beside.inside) o WHERE o && p.leader_reach AND ST_DWithin(o, p.leader, 3)), p.path LIMIT 1;
END;

-- Labels as SVG: each in its shape, or at the end of a line in the white around the map, where at most so many are; NULL where
-- there would be more. With NULL for that number, those that fit. Labels on plates lie on several colours. Gaps are not white.
CREATE OR REPLACE FUNCTION map_labels(names text[], notes text[], inks text[], shapes geometry[], plates boolean, leaders_at_most int, gaps geometry, sheet geometry) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
	texts text[] := '{}';
	boxes geometry[] := '{}';
	missing int := 0;
	places geometry;
	detour float8;
	around text;
	one record;
BEGIN
	FOR i IN 1 .. cardinality(shapes) LOOP
		one := map_place(names[i], notes[i], shapes[i], ST_Union(boxes));
		boxes[i] := one.box;
		texts[i] := map_label(one.lines, one.size, one.box, inks[i], plates);
		missing := missing + (one.box IS NULL)::int;
		IF missing > leaders_at_most THEN
			RETURN NULL;
		END IF;
	END LOOP;
	IF leaders_at_most IS NULL OR missing = 0 THEN
		RETURN array_to_string(texts, '');
	END IF;
	places := map_white(shapes || gaps, sheet, 12 * (SELECT max(map_ems(concat_ws(': ', l.name, l.note))) FROM unnest(names, notes) l (name, note)) + 6);
	FOREACH detour IN ARRAY ARRAY[100, 400, 30, 1000] LOOP
		around := map_leaders(names, notes, inks, shapes, plates, leaders_at_most, texts, boxes, places, detour);
		EXIT WHEN around IS NOT NULL;
	END LOOP;
	RETURN around;
END $$;

-- The same with lines, for the labels that have no box. Those whose box a line has to pass find another, or get a line as well.
CREATE OR REPLACE FUNCTION map_leaders(names text[], notes text[], inks text[], shapes geometry[], plates boolean, leaders_at_most int,
	texts text[], inside geometry[], places geometry, detour float8) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
	beside geometry[] := '{}';	-- boxes and lines
	waiting int[] := ARRAY(SELECT s.nth FROM unnest(shapes, inside) WITH ORDINALITY s (shape, box, nth) WHERE s.box IS NULL ORDER BY ST_Distance(places, map_middle(s.shape)), s.nth);
	served int := 0;
	leaders text := '';
	label text;
	line geometry;
	one record;
	i int;
BEGIN
	WHILE served < cardinality(waiting) LOOP
		served := served + 1;
		i := waiting[served];
		label := concat_ws(': ', names[i], notes[i]);
		SELECT b.* INTO one FROM map_beside(label, map_free(shapes[i], ST_Union(beside), 3.5), places, beside, inside, detour) b;
		IF one.box IS NULL OR served > leaders_at_most THEN
			RETURN NULL;
		END IF;
		leaders := leaders || map_leader(one.leader);
		texts[i] := map_label(ARRAY[label], 12, one.box, map_ink('#ffffff'), false);
		line := ST_Buffer(one.leader, 3);
		beside := beside || one.box || line;
		FOR i IN SELECT b.nth FROM unnest(inside) WITH ORDINALITY b (box, nth) WHERE ST_Intersects(b.box, line) LOOP
			inside[i] := NULL;
			one := map_place(names[i], notes[i], shapes[i], ST_Union(inside || beside));
			inside[i] := one.box;
			texts[i] := map_label(one.lines, one.size, one.box, inks[i], plates);
			waiting := waiting || CASE WHEN one.box IS NULL THEN ARRAY[i] ELSE '{}' END;
		END LOOP;
	END LOOP;
	RETURN leaders || array_to_string(texts, '');
END $$;

-- The labels of the lowest level for which all of them find a place, in the shapes or at most sixteen beside them: that of the areas
-- drawn, else one around them, by names on plates that hide at most an eighth of the map. Where there is none, labels of the areas drawn that have room.
CREATE OR REPLACE FUNCTION map_labelled(names text[], notes text[], inks text[], shapes geometry[], higher_names text[], higher_depths int[], higher_shapes geometry[],
	gaps geometry, extent geometry, width float8, key_width float8, top float8, OUT svg text, OUT own boolean, OUT column_width float8)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
	tier record;
	f record;
BEGIN
	FOR tier IN SELECT 1 AS place, map_labelled.names, map_labelled.notes, map_labelled.inks, map_labelled.shapes
			UNION ALL
			(SELECT 1 + rank() OVER (ORDER BY h.depth DESC), array_agg(map_short_name(h.name, 12) ORDER BY h.nth), NULL, NULL, array_agg(h.shape ORDER BY h.nth)
			FROM unnest(higher_names, higher_depths, higher_shapes) WITH ORDINALITY h (name, depth, shape, nth) WHERE h.depth > 0 GROUP BY h.depth)
			ORDER BY 1 LOOP
		own := tier.place = 1;
		FOR column_width IN SELECT 0.0 UNION ALL SELECT 24 + 12 * max(map_ems(concat_ws(': ', l.name, l.note))) FROM unnest(tier.names, tier.notes) l (name, note) LOOP
			f := map_fit(extent, width, key_width, column_width, top);
			CONTINUE WHEN f.scale IS NULL OR NOT own
				AND 13 * 19 * (SELECT sum(map_ems(n)) FROM unnest(tier.names) n) > (SELECT sum(ST_Area(s)) FROM unnest(shapes) s) * f.scale ^ 2 / 8;
			svg := map_labels(tier.names, tier.notes, tier.inks, map_pixels(tier.shapes, f.scale, f.dx, f.dy), NOT own,
				16, (map_pixels(ARRAY[gaps], f.scale, f.dx, f.dy))[1], f.sheet);
			IF svg IS NOT NULL THEN
				RETURN;
			END IF;
		END LOOP;
	END LOOP;
	own := true;
	column_width := 0;
	f := map_fit(extent, width, key_width, 0, top);
	svg := map_labels(names, notes, inks, map_pixels(shapes, f.scale, f.dx, f.dy), false, NULL, NULL, f.sheet);
END $$;

CREATE OR REPLACE FUNCTION map_svg(area text, figure text DEFAULT 'on_time_percent', level text DEFAULT NULL, title text DEFAULT NULL,
	width int DEFAULT 1000, language text DEFAULT :'lang') RETURNS text
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off AS $$
DECLARE
	chosen text;
	d record;	-- the areas drawn
	h record;	-- those around them
	k record;	-- rows of the key
	l record;	-- labels
	f record;	-- where it all goes
	extent geometry;
	gaps geometry;
	amounts numeric[];
	borders numeric[];
	fills text[];
	heading text[];
	numbered boolean;
	top float8;
	foot float8;
BEGIN
	IF width IS NULL OR width NOT BETWEEN 600 AND 10000 THEN
		RAISE EXCEPTION 'a map cannot be % pixels wide', coalesce(width::text, 'NULL') USING ERRCODE = 'invalid_parameter_value', HINT = 'From 600 to 10000.';
	ELSIF language IS NULL OR language NOT IN ('en', 'zh') THEN
		RAISE EXCEPTION 'there are no words in language "%"', language USING ERRCODE = 'invalid_parameter_value', HINT = 'Languages are en and zh.';
	END IF;
	chosen := map_level(area, level);
	SELECT array_agg(g.code ORDER BY g.code) AS codes, array_agg(g.name ORDER BY g.code) AS names, array_agg(g.parent_code ORDER BY g.code) AS parents, array_agg(g.parent_of_parent ORDER BY g.code) AS grandparents,
		array_agg(g.shape ORDER BY g.code) AS shapes, max(g.valid_from) AS valid_from
	INTO d FROM map_ground(area, chosen) g WHERE g.area_level = chosen AND g.shape IS NOT NULL;
	SELECT array_agg(g.code ORDER BY g.code) AS codes, array_agg(g.name ORDER BY g.code) AS names, array_agg(g.parent_code ORDER BY g.code) AS parents, array_agg(g.area_level ORDER BY g.code) AS levels,
		array_agg(g.depth ORDER BY g.code) AS depths, array_agg(g.shape ORDER BY g.code) AS shapes
	INTO h FROM map_ground(area, chosen) g WHERE g.area_level <> chosen AND g.shape IS NOT NULL;
	extent := (SELECT ST_Extent(s) FROM unnest(d.shapes || h.shapes) s);
	-- two pixels, as no pixel is less of the ground than this
	gaps := map_gaps(h.shapes, d.shapes, 2 * greatest(ST_XMax(extent) - ST_XMin(extent), ST_YMax(extent) - ST_YMin(extent)) / width);

	numbered := coalesce('community' = ANY (h.levels), false);
	SELECT map_rounded(array_agg(v.value ORDER BY c.nth)) INTO amounts FROM unnest(d.codes) WITH ORDINALITY c (code, nth) LEFT JOIN map_values(d.codes, figure) v USING (code);
	borders := map_borders(array_remove(amounts, NULL));
	fills := ARRAY(SELECT coalesce((map_colours(cardinality(borders) + 1))[width_bucket(v.value, borders) + 1], '#d4d4d4') FROM unnest(amounts) WITH ORDINALITY v (value, nth) ORDER BY v.nth);
	heading := map_wrap(coalesce(title, map_title((SELECT a.name FROM areas a WHERE a.code = area), figure, chosen, h.codes IS NULL, language)), (width - 40) / 24.6);
	top := -28 - 28 * cardinality(heading);

	SELECT array_agg(r.kind ORDER BY r.nth) AS kinds, array_agg(r.mark ORDER BY r.nth) AS marks, array_agg(r.words ORDER BY r.nth) AS words, array_agg(r.number ORDER BY r.nth) AS numbers,
		greatest(190, max(34 + 12 * coalesce(map_ems(r.words), 0) + CASE WHEN r.number IS NULL THEN 0 ELSE 12 + 12 * map_ems(r.number) END)) AS width
	INTO k FROM map_key(figure, chosen, amounts, borders, ARRAY(SELECT x.level FROM unnest(h.levels, h.depths) x (level, depth) GROUP BY x.level ORDER BY max(x.depth) DESC),
		d.parents, d.grandparents, h.codes, h.names, numbered, gaps IS NOT NULL, language) WITH ORDINALITY r (kind, mark, words, number, nth);
	l := map_labelled(map_names(d.names, d.codes, d.parents, d.grandparents, numbered), ARRAY(SELECT v.value::text FROM unnest(amounts) WITH ORDINALITY v (value, nth) ORDER BY v.nth),
		ARRAY(SELECT map_ink(c.fill) FROM unnest(fills) WITH ORDINALITY c (fill, nth) ORDER BY c.nth), d.shapes, h.names, h.depths, h.shapes, gaps, extent, width, k.width, top);
	f := map_fit(extent, width, k.width, l.column_width, top);
	foot := least(f.bottom + 120, top - 20 * (SELECT count(*) FROM unnest(k.kinds) r WHERE r NOT LIKE 'number%' OR l.own) - 14);
	RETURN concat(
		format(E'<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %1$s %2$s" font-family="%s">\n', width, ceil(140 - foot),
			'''Noto Sans'',''Helvetica Neue'',Arial,''PingFang SC'',''Microsoft YaHei'',''Noto Sans CJK SC'',''Source Han Sans SC'',''WenQuanYi Zen Hei'',sans-serif'),
		format(E'<title>%s</title>\n', map_xml(array_to_string(heading, ' '))),
		E'<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"><path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" stroke="#bcbcbc" stroke-width="1"/></pattern></defs>\n',
		E'<rect width="100%" height="100%" fill="#ffffff"/>\n',
		(SELECT string_agg(map_text(20, -10 - 28 * t.nth, 22, 'start', '#14202a', t.line, 'bold'), '' ORDER BY t.nth) FROM unnest(heading) WITH ORDINALITY t (line, nth)),
		map_gap((map_pixels(ARRAY[gaps], f.scale, f.dx, f.dy))[1], language),
		map_areas(d.codes, d.names, amounts, fills, map_pixels(d.shapes, f.scale, f.dx, f.dy)),
		map_around(h.depths, map_pixels(h.shapes, f.scale, f.dx, f.dy)),
		l.svg,
		(SELECT string_agg(map_row(width - 20 - k.width, top - 20 * (r.nth - 1), k.width, r.kind, r.mark, r.words, r.number), '' ORDER BY r.nth)
			FROM unnest(k.kinds, k.marks, k.words, k.numbers) WITH ORDINALITY r (kind, mark, words, number, nth) WHERE r.kind NOT LIKE 'number%' OR l.own),
		map_foot(width - 20 - k.width, foot, k.width, f.scale, today(), d.valid_from, language),
		'</svg>');
END $$;

CREATE OR REPLACE FUNCTION map_areas(codes text[], names text[], amounts numeric[], fills text[], shapes geometry[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT string_agg(map_path(a.shape, format('class="area" data-code="%s" fill="%s" fill-rule="evenodd" stroke="#6b7782" stroke-width="0.5" stroke-linejoin="round"', map_xml(a.code), a.fill),
			concat_ws(': ', format('%s (%s)', a.name, a.code), a.value::text))
		|| CASE WHEN a.value IS NULL THEN map_path(a.shape, 'fill="url(#hatch)" fill-rule="evenodd"') ELSE '' END, '' ORDER BY a.nth)
	FROM unnest(map_areas.codes, map_areas.names, map_areas.amounts, map_areas.fills, map_areas.shapes) WITH ORDINALITY a (code, name, value, fill, shape, nth);
END;

CREATE OR REPLACE FUNCTION map_gap(shape geometry, language text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT map_path(map_gap.shape, 'class="gap" fill="#d4d4d4" fill-rule="evenodd"', map_word('no data', map_gap.language))
		|| map_path(map_gap.shape, 'fill="url(#hatch)" fill-rule="evenodd"');
END;

CREATE OR REPLACE FUNCTION map_around(depths int[], shapes geometry[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT string_agg(format(E'<path class="around" fill="none" stroke="#14202a" stroke-width="%s" stroke-linejoin="round" d="%s"/>\n', map_stroke(a.below::int), a.lines), '' ORDER BY a.below DESC)
	FROM (SELECT rank() OVER (ORDER BY s.depth) AS below, string_agg(ST_AsSVG(s.shape, 0, 1), ' ' ORDER BY s.nth) AS lines
		FROM unnest(map_around.depths, map_around.shapes) WITH ORDINALITY s (depth, shape, nth) GROUP BY s.depth) a;
END;

CREATE OR REPLACE FUNCTION map_geojson(area text, level text DEFAULT NULL) RETURNS json
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
	chosen text := map_level(area, level);
	codes text[] := ARRAY(SELECT t.code FROM map_tree(area, chosen) t WHERE t.level = chosen ORDER BY t.code);
	nothing jsonb := (SELECT jsonb_object_agg(c.name, NULL) FROM map_columns() c);
BEGIN
	RETURN (SELECT json_build_object('type', 'FeatureCollection', 'bbox', map_bbox(ST_Extent(a.shape)), 'features', json_agg(json_build_object(
			'type', 'Feature', 'id', a.code, 'bbox', map_bbox(a.shape), 'geometry', ST_AsGeoJSON(a.shape)::json,
			'properties', nothing || jsonb_build_object('code', a.code, 'name', a.name, 'level', a.level, 'parent_code', a.parent_code, 'valid_from', a.valid_from) || coalesce(to_jsonb(f), '{}'))
			ORDER BY a.code))
		FROM (SELECT x.*, ST_ForcePolygonCCW(ST_Transform(x.geom, 4326)) AS shape FROM areas x WHERE x.code = ANY (codes)) a
		LEFT JOIN figures f ON f.code = a.code AND f.code = ANY (codes));
END $$;

CREATE OR REPLACE FUNCTION map_bbox(extent box3d) RETURNS json
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_build_array(ST_XMin(extent), ST_YMin(extent), ST_XMax(extent), ST_YMax(extent));
END;
