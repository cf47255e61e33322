-- The first drawing of the district's map, published after a check: no gap, no overlap, every area in its parent.
INSERT INTO community.boundary_version VALUES (1, 'first drawing', '2019-01-01');
INSERT INTO community.area (code, name, opened_in) SELECT code::text, name, 1 FROM demo.area ORDER BY code;
INSERT INTO community.boundary (code, version, geom) SELECT code::text, 1, ST_Multi(geom) FROM demo.area ORDER BY code;
SELECT community.boundary_publish(1) \g /dev/null
ANALYZE community.area, community.boundary;
