-- Chance with a fixed seed: the same numbers on every machine, in any row order, under any plan.
CREATE SCHEMA demo;
COMMENT ON SCHEMA demo IS 'A sample district: real codes and names of Licheng, everything else generated';

-- A key drawn once (md5 of it) holds four numbers from 0 up to, but not including, 1.
CREATE FUNCTION demo.key(what text, id bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5('licheng 2019/' || what || '/' || id);

CREATE FUNCTION demo.chance(key text, nth int DEFAULT 1) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('x' || substr(key, 8 * nth - 7, 8))::bit(32)::bigint / 4294967296.0::float8;
